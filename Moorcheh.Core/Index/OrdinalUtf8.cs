using System.Numerics;

namespace Moorcheh.Index;

/// <summary>Orders UTF-8 texts as .NET orders the same texts ordinally, that is by UTF-16 code units.</summary>
internal static class OrdinalUtf8
{
    /// <summary>
    /// Bytewise order is code point order. It differs from UTF-16 order in one place: surrogates (code points from U+10000, first
    /// byte F0 to F4) come before U+E000 to U+FFFF (first byte EE or EF).
    /// </summary>
    public static int Compare(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        int common = x.CommonPrefixLength(y);
        if (common == x.Length || common == y.Length)
        {
            return x.Length.CompareTo(y.Length);
        }

        byte a = x[common];
        byte b = y[common];
        bool aFour = a >= 0xF0;
        bool bFour = b >= 0xF0;
        if (aFour != bFour && (aFour ? b : a) >= 0xEE)
        {
            return aFour ? -1 : 1;
        }

        return a.CompareTo(b);
    }

    /// <summary>A well-mixed 32-bit hash of an id, the same in every run.</summary>
    public static uint Hash(ReadOnlySpan<byte> id)
    {
        // FNV-1a over bytes, then the finaliser of MurmurHash3.
        uint hash = 2166136261;
        foreach (byte b in id)
        {
            hash = (hash ^ b) * 16777619;
        }

        hash ^= hash >> 16;
        hash *= 0x85ebca6b;
        hash ^= BitOperations.RotateLeft(hash, 19);
        hash *= 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }
}
