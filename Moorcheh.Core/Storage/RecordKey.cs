using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>Key of a record: 32 bytes on disk: kind (1), zero (7), owner (16), number (8).</summary>
internal readonly record struct RecordKey(RecordKind Kind, Guid Owner, long Number)
{
    public const int Bytes = 32;

    public void Write(Span<byte> destination)
    {
        destination[..8].Clear();
        destination[0] = (byte)Kind;
        Owner.TryWriteBytes(destination[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[24..], Number);
    }

    public static RecordKey Read(ReadOnlySpan<byte> source) =>
        new((RecordKind)source[0], new Guid(source.Slice(8, 16)), BinaryPrimitives.ReadInt64LittleEndian(source[24..]));

    public override string ToString() => $"{Kind} {Owner:N}/{Number}";
}
