using System.Buffers;

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
