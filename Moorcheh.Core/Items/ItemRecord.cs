using System.Buffers.Binary;
using System.Text;
using Moorcheh.Storage;

namespace Moorcheh.Items;

/// <summary>
/// Body of an item record: created (8 bytes, UTC ticks), updated (8), vector (count 4, float32 each), id (length 4, UTF-8), text
/// (length 4 or -1, UTF-8), metadata (length 4, JSON). A record is never changed: an update writes a new one under a new
/// record number, so whoever holds a record number reads one version or nothing.
/// </summary>
internal readonly ref struct ItemRecord
{
    private const int VectorCountAt = 2 * sizeof(long);
    private const int VectorStart = VectorCountAt + sizeof(int);

    private ItemRecord(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        CreatedAt = reader.Time();
        UpdatedAt = reader.Time();
        Vector = reader.Floats();
        Id = reader.Bytes();
        int textLength = reader.Int32();
        HasText = textLength >= 0;
        TextStart = reader.Position;
        Text = HasText ? body.Slice(reader.Position, textLength) : default;
        reader = new ByteReader(body[(reader.Position + Text.Length)..]);
        Metadata = reader.Bytes();
    }

    public DateTimeOffset CreatedAt { get; }

    public DateTimeOffset UpdatedAt { get; }

    /// <summary>As uploaded or embedded, not normalised.</summary>
    public ReadOnlySpan<float> Vector { get; }

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Id { get; }

    public bool HasText { get; }

    /// <summary>UTF-8; empty when there is none.</summary>
    public ReadOnlySpan<byte> Text { get; }

    /// <summary>Where the text begins in the body.</summary>
    public int TextStart { get; }

    /// <summary>Compact JSON.</summary>
    public ReadOnlySpan<byte> Metadata { get; }

    /// <summary>Bytes the caller's data takes: what <see cref="NamespaceInfo.StoredBytes"/> adds up.</summary>
    public int StoredBytes => DataBytes(Id.Length, Vector.Length, Text.Length, Metadata.Length);

    public static int DataBytes(int idBytes, int dimension, int textBytes, int metadataBytes) =>
        idBytes + (dimension * sizeof(float)) + textBytes + metadataBytes;

    public static ItemRecord Parse(ReadOnlySpan<byte> body) => new(body);

    /// <summary>Bytes of a record without its vector.</summary>
    public static int PlainLength(ReadOnlySpan<byte> body) => body.Length - VectorBytes(body);

    /// <summary>Copies a record without its vector; what is written is a record again.</summary>
    public static void CopyPlain(ReadOnlySpan<byte> body, Span<byte> target)
    {
        body[..VectorStart].CopyTo(target);
        BinaryPrimitives.WriteInt32LittleEndian(target[VectorCountAt..], 0);
        body[(VectorStart + VectorBytes(body))..].CopyTo(target[VectorStart..]);
    }

    public static void Write(
        ByteWriter writer,
        DateTimeOffset createdAt,
        DateTimeOffset updatedAt,
        ReadOnlySpan<float> vector,
        ReadOnlySpan<byte> id,
        bool hasText,
        ReadOnlySpan<byte> text,
        ReadOnlySpan<byte> metadata)
    {
        writer.Time(createdAt);
        writer.Time(updatedAt);
        writer.Floats(vector);
        writer.Bytes(id);
        if (hasText)
        {
            writer.Bytes(text);
        }
        else
        {
            writer.Int32(-1);
        }

        writer.Bytes(metadata);
    }

    private static int VectorBytes(ReadOnlySpan<byte> body) => BinaryPrimitives.ReadInt32LittleEndian(body[VectorCountAt..]) * sizeof(float);

    public Item ToItem() => new()
    {
        Id = Encoding.UTF8.GetString(Id),
        Metadata = ItemMetadata.FromStored(Metadata),
        Text = HasText ? Encoding.UTF8.GetString(Text) : null,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
    };
}
