using System.Buffers;
using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>Collects the keys of an upload entry that are metadata. One builder serves all entries of an upload.</summary>
internal sealed class MetadataBuilder
{
    private readonly ArrayBufferWriter<byte> _json = new(256);

    public void Clear() => _json.ResetWrittenCount();

    /// <summary>Adds a member as sent: the name with its quotation marks, and the value.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _json.Write(_json.WrittenCount == 0 ? "{"u8 : ","u8);
        _json.Write(name);
        _json.Write(":"u8);
        _json.Write(value);
    }

    public ItemMetadata Build()
    {
        if (_json.WrittenCount == 0)
        {
            return ItemMetadata.Empty;
        }

        _json.Write("}"u8);
        using var document = JsonDocument.Parse(_json.WrittenMemory, new JsonDocumentOptions { MaxDepth = JsonSyntax.MaxDepth });
        return ItemMetadata.FromElement(document.RootElement);
    }
}
