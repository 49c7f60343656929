using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary><see cref="Rotation"/> with 256 bits.</summary>
internal static class Rotation256
{
    private const uint SignBit = Rotation.SignBit;

    public static void Apply(Span<float> values, ReadOnlySpan<ulong> signs)
    {
        int span = Rotation.Check(values, signs);
        float scale = Rotation.Scale(span);
        int rest = values.Length - span;
        ref float x = ref MemoryMarshal.GetReference(values);
        ref ulong flips = ref MemoryMarshal.GetReference(signs);
        for (int round = 0; round < Rotation.Rounds; round++)
        {
            bool front = (round & 1) == 0;
            int first = front ? 0 : rest;
            int outside = front ? span : 0;
            for (int i = outside; i < outside + rest; i += 8)
            {
                ulong word = Unsafe.Add(ref flips, i / Rotation.WordBits);
                Vector256<uint> flipped = Vector256.LoadUnsafe(ref x, (nuint)i).AsUInt32() ^ Signs(word, i % Rotation.WordBits);
                flipped.AsSingle().StoreUnsafe(ref x, (nuint)i);
            }

            ref float part = ref Unsafe.Add(ref x, first);
            Short(ref part, ref Unsafe.Add(ref flips, first / Rotation.WordBits), span, scale);
            Long(ref part, span);
            if (rest != 0 && !front)
            {
                int half = values.Length / 2;
                for (int i = 0; i < half; i += 8)
                {
                    Vector256<float> u = Vector256.LoadUnsafe(ref x, (nuint)i);
                    Vector256<float> v = Vector256.LoadUnsafe(ref x, (nuint)(i + half));
                    ((u + v) * Rotation.HalfRoot).StoreUnsafe(ref x, (nuint)i);
                    ((u - v) * Rotation.HalfRoot).StoreUnsafe(ref x, (nuint)(i + half));
                }
            }

            flips = ref Unsafe.Add(ref flips, values.Length / Rotation.WordBits);
        }
    }

    /// <summary>Masks of the sign bit for eight bits of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Signs(ulong word, int bit)
    {
        var one = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
        return Vector256.Equals(Vector256.Create((uint)(word >> bit)) & one, one) & Vector256.Create(SignBit);
    }

    /// <summary>Signs, scale and the stages of stride 1 to 32: 64 elements stay in eight registers.</summary>
    private static void Short(ref float x, ref ulong flips, int span, float scale)
    {
        for (nuint i = 0; i < (nuint)span; i += 64)
        {
            ulong word = Unsafe.Add(ref flips, i / Rotation.WordBits);
            Vector256<float> a0 = Start(ref x, word, i, scale);
            Vector256<float> a1 = Start(ref x, word, i + 8, scale);
            Vector256<float> a2 = Start(ref x, word, i + 16, scale);
            Vector256<float> a3 = Start(ref x, word, i + 24, scale);
            Vector256<float> a4 = Start(ref x, word, i + 32, scale);
            Vector256<float> a5 = Start(ref x, word, i + 40, scale);
            Vector256<float> a6 = Start(ref x, word, i + 48, scale);
            Vector256<float> a7 = Start(ref x, word, i + 56, scale);
            (a0, a1) = (a0 + a1, a0 - a1);
            (a2, a3) = (a2 + a3, a2 - a3);
            (a4, a5) = (a4 + a5, a4 - a5);
            (a6, a7) = (a6 + a7, a6 - a7);
            (a0, a2) = (a0 + a2, a0 - a2);
            (a1, a3) = (a1 + a3, a1 - a3);
            (a4, a6) = (a4 + a6, a4 - a6);
            (a5, a7) = (a5 + a7, a5 - a7);
            (a0 + a4).StoreUnsafe(ref x, i);
            (a1 + a5).StoreUnsafe(ref x, i + 8);
            (a2 + a6).StoreUnsafe(ref x, i + 16);
            (a3 + a7).StoreUnsafe(ref x, i + 24);
            (a0 - a4).StoreUnsafe(ref x, i + 32);
            (a1 - a5).StoreUnsafe(ref x, i + 40);
            (a2 - a6).StoreUnsafe(ref x, i + 48);
            (a3 - a7).StoreUnsafe(ref x, i + 56);
        }
    }

    /// <summary>Loads eight elements with sign and scale, and runs the stages of stride 1, 2 and 4 inside the register.</summary>
    /// <remarks>A pair (u, v) becomes (u + v, -v + u); the second is u - v to the bit.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Start(ref float x, ulong word, nuint i, float scale)
    {
        Vector256<float> v = (Vector256.LoadUnsafe(ref x, i).AsUInt32() ^ Signs(word, (int)(i % Rotation.WordBits))).AsSingle() * scale;
        v = (v.AsUInt32() ^ Vector256.Create(0, SignBit, 0, SignBit, 0, SignBit, 0, SignBit)).AsSingle()
            + Vector256.Shuffle(v, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
        v = (v.AsUInt32() ^ Vector256.Create(0, 0, SignBit, SignBit, 0, 0, SignBit, SignBit)).AsSingle()
            + Vector256.Shuffle(v, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5));
        return (v.AsUInt32() ^ Vector256.Create(0, 0, 0, 0, SignBit, SignBit, SignBit, SignBit)).AsSingle()
            + Vector256.Shuffle(v, Vector256.Create(4, 5, 6, 7, 0, 1, 2, 3));
    }

    /// <summary>The stages from stride 64 on, two at a time.</summary>
    private static void Long(ref float x, int span)
    {
        int stride = 64;
        for (; 2 * stride < span; stride *= 4)
        {
            for (int start = 0; start < span; start += 4 * stride)
            {
                ref float p0 = ref Unsafe.Add(ref x, start);
                ref float p1 = ref Unsafe.Add(ref p0, stride);
                ref float p2 = ref Unsafe.Add(ref p1, stride);
                ref float p3 = ref Unsafe.Add(ref p2, stride);
                for (nuint i = 0; i < (nuint)stride; i += 8)
                {
                    Vector256<float> a0 = Vector256.LoadUnsafe(ref p0, i);
                    Vector256<float> a1 = Vector256.LoadUnsafe(ref p1, i);
                    Vector256<float> a2 = Vector256.LoadUnsafe(ref p2, i);
                    Vector256<float> a3 = Vector256.LoadUnsafe(ref p3, i);
                    (a0, a1) = (a0 + a1, a0 - a1);
                    (a2, a3) = (a2 + a3, a2 - a3);
                    (a0 + a2).StoreUnsafe(ref p0, i);
                    (a1 + a3).StoreUnsafe(ref p1, i);
                    (a0 - a2).StoreUnsafe(ref p2, i);
                    (a1 - a3).StoreUnsafe(ref p3, i);
                }
            }
        }

        if (stride < span)
        {
            ref float p1 = ref Unsafe.Add(ref x, stride);
            for (nuint i = 0; i < (nuint)stride; i += 8)
            {
                Vector256<float> a0 = Vector256.LoadUnsafe(ref x, i);
                Vector256<float> a1 = Vector256.LoadUnsafe(ref p1, i);
                (a0 + a1).StoreUnsafe(ref x, i);
                (a0 - a1).StoreUnsafe(ref p1, i);
            }
        }
    }
}
