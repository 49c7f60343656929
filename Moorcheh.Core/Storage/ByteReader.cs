using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Moorcheh.Storage;

/// <summary>Reads what <see cref="ByteWriter"/> wrote. Throws <see cref="InvalidDataException"/> at the end of the bytes and on impossible lengths.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;

    public readonly int Position => _position;

    public readonly int Remaining => _bytes.Length - _position;

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public Guid Guid() => new(Take(16));

    public DateTimeOffset Time() => ToTime(Int64());

    public DateTimeOffset? OptionalTime()
    {
        long ticks = Int64();
        return ticks == 0 ? null : ToTime(ticks);
    }

    public ReadOnlySpan<byte> Bytes() => Take(Int32());

    public string String() => Encoding.UTF8.GetString(Bytes());

    public string? OptionalString()
    {
        int length = Int32();
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length));
    }

    public ReadOnlySpan<float> Floats()
    {
        int count = Int32();
        if (count < 0 || count > Remaining / sizeof(float))
        {
            throw new InvalidDataException($"{count} values do not fit into {Remaining} bytes.");
        }

        return MemoryMarshal.Cast<byte, float>(Take(count * sizeof(float)));
    }

    public void Skip(int count) => Take(count);

    private static DateTimeOffset ToTime(long ticks) =>
        ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : throw new InvalidDataException($"{ticks} is no time.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > Remaining)
        {
            throw new InvalidDataException($"{count} bytes needed at {_position}, {Remaining} left.");
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_position, count);
        _position += count;
        return taken;
    }
}
