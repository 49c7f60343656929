using System.Buffers.Binary;

namespace Moorcheh.Index.Postings;

/// <summary>The 64-bit hash under which terms are filed: the same in every run and on every machine, because it goes to disk.</summary>
internal static class TermHash
{
    /// <summary>Takes a value into a running hash. A bijection of the hash for a given value, and of the value for a given hash.</summary>
    public static ulong Step(ulong hash, ulong value)
    {
        hash = unchecked((hash ^ value) * 0x9E3779B97F4A7C15UL);
        return hash ^ (hash >> 32);
    }

    /// <summary>Ends a running hash: the finaliser of SplitMix64. Never 0, which marks free cells.</summary>
    public static ulong Finish(ulong hash)
    {
        hash = unchecked((hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL);
        hash = unchecked((hash ^ (hash >> 27)) * 0x94D049BB133111EBUL);
        hash ^= hash >> 31;
        return hash == 0 ? 1 : hash;
    }

    /// <summary>Takes bytes and their number into a running hash.</summary>
    public static ulong Bytes(ulong hash, ReadOnlySpan<byte> bytes)
    {
        hash = Step(hash, (ulong)bytes.Length);
        while (bytes.Length >= sizeof(ulong))
        {
            hash = Step(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        ulong tail = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            tail |= (ulong)bytes[i] << (8 * i);
        }

        return Step(hash, tail);
    }
}
