using System.Buffers;
using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>A copy of a record in a rented array; <see cref="Bytes"/> is null when nothing was copied.</summary>
internal struct RecordCopy
{
    public byte[]? Bytes;
    public int Length;

    /// <summary>Takes in a record. FASTER may ask twice for one read; then the last answer counts.</summary>
    public void Take(ReadOnlySpan<byte> value)
    {
        if (Bytes is null || Bytes.Length < value.Length)
        {
            Dispose();
            Bytes = ArrayPool<byte>.Shared.Rent(value.Length);
        }

        value.CopyTo(Bytes);
        Length = value.Length;
    }

    public void Dispose()
    {
        if (Bytes is { } bytes)
        {
            Bytes = null;
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}

/// <summary>
/// How FASTER reads and writes records. The numbers that go with reads are their positions among those that are under way together.
/// </summary>
internal sealed class RecordFunctions : SpanByteFunctions<SpanByte, RecordCopy, int>
{
    public override bool SingleReader(ref SpanByte key, ref SpanByte input, ref SpanByte value, ref RecordCopy output, ref ReadInfo readInfo)
    {
        output.Take(value.AsReadOnlySpan());
        return true;
    }

    public override bool ConcurrentReader(ref SpanByte key, ref SpanByte input, ref SpanByte value, ref RecordCopy output, ref ReadInfo readInfo)
    {
        output.Take(value.AsReadOnlySpan());
        return true;
    }
}
