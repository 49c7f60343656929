using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Moorcheh.Storage;

/// <summary>Appends little-endian values to a growing buffer that is reused. Not safe for use from several threads.</summary>
internal sealed class ByteWriter(int capacity = 4096)
{
    private byte[] _buffer = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value) => Take(1)[0] = value;

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    public void Guid(Guid value) => value.TryWriteBytes(Take(16));

    public void Time(DateTimeOffset value) => Int64(value.UtcTicks);

    public void OptionalTime(DateTimeOffset? value) => Int64(value?.UtcTicks ?? 0);

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        value.CopyTo(Take(value.Length));
    }

    /// <summary>UTF-8 with its length in front; a lone surrogate becomes U+FFFD.</summary>
    public void String(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Int32(length);
        Encoding.UTF8.GetBytes(value, Take(length));
    }

    /// <summary>As <see cref="String"/>; null is told from empty.</summary>
    public void OptionalString(string? value)
    {
        if (value is null)
        {
            Int32(-1);
        }
        else
        {
            String(value);
        }
    }

    /// <summary>Number of values, then the values.</summary>
    public void Floats(ReadOnlySpan<float> values)
    {
        Int32(values.Length);
        MemoryMarshal.AsBytes(values).CopyTo(Take(checked(values.Length * sizeof(float))));
    }

    /// <summary>Overwrites four bytes written before.</summary>
    public void PatchInt32(int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(offset, 4), value);

    private Span<byte> Take(int count)
    {
        int needed = checked(Length + count);
        if (needed > _buffer.Length)
        {
            Array.Resize(ref _buffer, (int)Math.Max(needed, Math.Min(2L * _buffer.Length, Array.MaxLength)));
        }

        Span<byte> taken = _buffer.AsSpan(Length, count);
        Length = needed;
        return taken;
    }
}
