using System.Buffers;
using System.Text;

namespace Moorcheh;

/// <summary>
/// The rules an entry of an upload must keep. The store checks every entry of a batch before it accepts any; hosts may check
/// entries one by one as they arrive, with the same messages.
/// </summary>
public static class ItemRules
{
    /// <summary>Most UTF-8 bytes of an item id.</summary>
    public const int MaxIdBytes = 512;

    /// <summary>Checks a document.</summary>
    /// <param name="document">The entry.</param>
    /// <param name="index">Its position in the batch, used in the message.</param>
    /// <param name="options">Supplies the limits.</param>
    /// <exception cref="MoorchehException">The first rule the entry breaks.</exception>
    public static void Check(Document document, int index, MoorchehOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var place = new Place("Document", index);
        if (document is null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"{place} is null.");
        }

        CheckId(document.Id, place);
        if (document.Text is null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"{place} ('{document.Id}') has no 'text'.");
        }

        if (document.Text.Length == 0)
        {
            throw new MoorchehException(ErrorCodes.InvalidText, $"{place} ('{document.Id}'): 'text' is empty.");
        }

        int bytes = Encoding.UTF8.GetByteCount(document.Text);
        if (bytes > options.Limits.MaxTextBytes)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidText, $"{place} ('{document.Id}'): 'text' has {bytes} bytes; the limit is {options.Limits.MaxTextBytes}.");
        }

        CheckMetadata(document.Metadata, document.Id, place, options);
    }

    /// <summary>Checks a vector.</summary>
    /// <param name="item">The entry.</param>
    /// <param name="index">Its position in the batch, used in the message.</param>
    /// <param name="namespaceName">Name of the namespace, used in the message.</param>
    /// <param name="dimension">Values per vector of the namespace.</param>
    /// <param name="options">Supplies the limits.</param>
    /// <exception cref="MoorchehException">The first rule the entry breaks.</exception>
    public static void Check(VectorItem item, int index, string namespaceName, int dimension, MoorchehOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var place = new Place("Vector", index);
        if (item is null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"{place} is null.");
        }

        CheckId(item.Id, place);
        ReadOnlySpan<float> values = item.Vector.Span;
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new MoorchehException(ErrorCodes.NonFiniteValue, $"{place} ('{item.Id}'): value {i} is not a finite number.");
            }
        }

        if (values.Length != dimension)
        {
            throw new MoorchehException(
                ErrorCodes.DimensionMismatch,
                $"{place} ('{item.Id}') has {values.Length} values; namespace '{namespaceName}' needs {dimension}.");
        }

        CheckMetadata(item.Metadata, item.Id, place, options);
    }

    /// <summary>Checks metadata that were merged.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidMetadata"/>.</exception>
    internal static void CheckMerged(ItemMetadata metadata, string id, MoorchehOptions options)
    {
        if (metadata.Utf8Json.Length > options.Limits.MaxMetadataBytes)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidMetadata,
                $"Item '{id}' would have {metadata.Utf8Json.Length} bytes of metadata; the limit is {options.Limits.MaxMetadataBytes}.");
        }

        int depth = metadata.Depth();
        if (depth > ItemMetadata.MaxDepth)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidMetadata, $"Item '{id}' would have metadata {depth} levels deep; the limit is {ItemMetadata.MaxDepth}.");
        }
    }

    /// <summary>False for a text with a lone surrogate: as UTF-8 it would be the same as others.</summary>
    internal static bool IsUnicode(string text)
    {
        for (ReadOnlySpan<char> rest = text; ;)
        {
            int at = rest.IndexOfAnyInRange('\uD800', '\uDFFF');
            if (at < 0)
            {
                return true;
            }

            if (Rune.DecodeFromUtf16(rest[at..], out _, out int length) != OperationStatus.Done)
            {
                return false;
            }

            rest = rest[(at + length)..];
        }
    }

    private static void CheckId(string id, Place place)
    {
        if (id is null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"{place} has no 'id'.");
        }

        if (id.Length == 0)
        {
            throw new MoorchehException(ErrorCodes.InvalidId, $"{place}: 'id' is empty.");
        }

        int bytes = Encoding.UTF8.GetByteCount(id);
        if (bytes > MaxIdBytes)
        {
            throw new MoorchehException(ErrorCodes.InvalidId, $"{place}: 'id' has {bytes} bytes; the limit is {MaxIdBytes}.");
        }

        if (!IsUnicode(id))
        {
            throw new MoorchehException(ErrorCodes.InvalidId, $"{place}: 'id' is not valid Unicode: it has a lone surrogate.");
        }
    }

    private static void CheckMetadata(ItemMetadata? metadata, string id, Place place, MoorchehOptions options)
    {
        if (metadata is null || metadata.IsEmpty)
        {
            return;
        }

        if (metadata.Utf8Json.Length > options.Limits.MaxMetadataBytes)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidMetadata,
                $"{place} ('{id}'): metadata has {metadata.Utf8Json.Length} bytes; the limit is {options.Limits.MaxMetadataBytes}.");
        }

        int depth = metadata.Depth();
        if (depth > ItemMetadata.MaxDepth)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidMetadata, $"{place} ('{id}'): metadata is {depth} levels deep; the limit is {ItemMetadata.MaxDepth}.");
        }
    }

    /// <summary>Names an entry in a message; a string is only made when there is something to report.</summary>
    private readonly record struct Place(string Kind, int Index)
    {
        public override string ToString() => $"{Kind} {Index}";
    }
}
