using System.Buffers;

namespace Moorcheh.Storage;

/// <summary>A record's body in a rented array; not found when <see cref="IsFound"/> is false. Dispose it once, and no copy of it.</summary>
internal readonly struct RecordLease(byte[]? rented, int start, int length) : IDisposable
{
    public bool IsFound => rented is not null;

    public ReadOnlySpan<byte> Body => rented.AsSpan(start, length);

    public ReadOnlyMemory<byte> Memory => rented.AsMemory(start, length);

    /// <summary>A part of the body, in place of this lease.</summary>
    public RecordLease Slice(int from, int count) => new(rented, start + from, count);

    public void Dispose()
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
