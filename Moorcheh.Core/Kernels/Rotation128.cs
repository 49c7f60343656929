using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary><see cref="Rotation"/> with 128 bits.</summary>
internal static class Rotation128
{
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
            for (int i = outside; i < outside + rest; i += 4)
            {
                ulong word = Unsafe.Add(ref flips, i / Rotation.WordBits);
                Vector128<uint> flipped = Vector128.LoadUnsafe(ref x, (nuint)i).AsUInt32() ^ Signs(word, i % Rotation.WordBits);
                flipped.AsSingle().StoreUnsafe(ref x, (nuint)i);
            }

            ref float part = ref Unsafe.Add(ref x, first);
            Short(ref part, ref Unsafe.Add(ref flips, first / Rotation.WordBits), span, scale);
            Long(ref part, span);
            if (rest != 0 && !front)
            {
                int half = values.Length / 2;
                for (int i = 0; i < half; i += 4)
                {
                    Vector128<float> u = Vector128.LoadUnsafe(ref x, (nuint)i);
                    Vector128<float> v = Vector128.LoadUnsafe(ref x, (nuint)(i + half));
                    ((u + v) * Rotation.HalfRoot).StoreUnsafe(ref x, (nuint)i);
                    ((u - v) * Rotation.HalfRoot).StoreUnsafe(ref x, (nuint)(i + half));
                }
            }

            flips = ref Unsafe.Add(ref flips, values.Length / Rotation.WordBits);
        }
    }

    /// <summary>Masks of the sign bit for four bits of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Signs(ulong word, int bit)
    {
        var one = Vector128.Create(1u, 2, 4, 8);
        return Vector128.Equals(Vector128.Create((uint)(word >> bit)) & one, one) & Vector128.Create(Rotation.SignBit);
    }

    /// <summary>Signs, scale and the stages of stride 1 to 8: 16 elements stay in four registers.</summary>
    private static void Short(ref float x, ref ulong flips, int span, float scale)
    {
        for (nuint i = 0; i < (nuint)span; i += 16)
        {
            ulong word = Unsafe.Add(ref flips, i / Rotation.WordBits);
            Vector128<float> a0 = Start(ref x, word, i, scale);
            Vector128<float> a1 = Start(ref x, word, i + 4, scale);
            Vector128<float> a2 = Start(ref x, word, i + 8, scale);
            Vector128<float> a3 = Start(ref x, word, i + 12, scale);
            (a0, a1) = (a0 + a1, a0 - a1);
            (a2, a3) = (a2 + a3, a2 - a3);
            (a0 + a2).StoreUnsafe(ref x, i);
            (a1 + a3).StoreUnsafe(ref x, i + 4);
            (a0 - a2).StoreUnsafe(ref x, i + 8);
            (a1 - a3).StoreUnsafe(ref x, i + 12);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Start(ref float x, ulong word, nuint i, float scale)
    {
        Vector128<float> v = (Vector128.LoadUnsafe(ref x, i).AsUInt32() ^ Signs(word, (int)(i % Rotation.WordBits))).AsSingle() * scale;
        v = (v.AsUInt32() ^ Vector128.Create(0, Rotation.SignBit, 0, Rotation.SignBit)).AsSingle()
            + Vector128.Shuffle(v, Vector128.Create(1, 0, 3, 2));
        return (v.AsUInt32() ^ Vector128.Create(0, 0, Rotation.SignBit, Rotation.SignBit)).AsSingle()
            + Vector128.Shuffle(v, Vector128.Create(2, 3, 0, 1));
    }

    private static void Long(ref float x, int span)
    {
        for (int stride = 16; stride < span; stride *= 2)
        {
            for (int start = 0; start < span; start += 2 * stride)
            {
                ref float p0 = ref Unsafe.Add(ref x, start);
                ref float p1 = ref Unsafe.Add(ref p0, stride);
                for (nuint i = 0; i < (nuint)stride; i += 4)
                {
                    Vector128<float> a0 = Vector128.LoadUnsafe(ref p0, i);
                    Vector128<float> a1 = Vector128.LoadUnsafe(ref p1, i);
                    (a0 + a1).StoreUnsafe(ref p0, i);
                    (a0 - a1).StoreUnsafe(ref p1, i);
                }
            }
        }
    }
}
