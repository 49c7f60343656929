using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace Moorcheh.Http.Json;

/// <summary>
/// Parses a number of valid JSON to the nearest 32-bit float, the same one as <see cref="float.Parse(string)"/>; a number too
/// large for it becomes an infinity. About three times as fast as the framework's parser, which an upload of vectors
/// calls some hundred times an item.
/// </summary>
/// <remarks>
/// The digits (the first 19) are scaled in double precision, with a relative error below 2^-50. That decides the float unless
/// the double lies within a few units of the middle between two floats, or outside the range of normal floats: then the
/// framework's exact parser decides.
/// </remarks>
internal static class FloatParser
{
    private const int MaxDigits = 19;
    private const double LeastNormal = 1.2e-38;
    private const double GreatestSafe = 3.4e38;

    // A double has 29 more bits than a float; half a float's last unit is this value of those bits.
    private const long LowBits = (1L << 29) - 1;
    private const long Middle = 1L << 28;
    private const long Doubt = 32;

    // Powers of ten up to 10^22 are exact in double precision.
    private static readonly double[] Powers =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    public static bool IsNumberStart(byte value) => value == '-' || IsDigit(value);

    /// <summary>Parses the number at <paramref name="position"/> and moves behind it.</summary>
    public static float Parse(ReadOnlySpan<byte> json, ref int position)
    {
        int start = position;
        int i = start;
        bool isNegative = json[i] == '-';
        if (isNegative)
        {
            i++;
        }

        ulong digits = 0;
        int count = 0;
        int exponent = 0;
        for (; i < json.Length && IsDigit(json[i]); i++)
        {
            Add(json[i], ref digits, ref count, ref exponent);
        }

        if (i < json.Length && json[i] == '.')
        {
            int fraction = ++i;
            for (; i < json.Length && IsDigit(json[i]); i++)
            {
                Add(json[i], ref digits, ref count, ref exponent);
            }

            exponent -= i - fraction;
        }

        if (i < json.Length && (json[i] | 0x20) == 'e')
        {
            i++;
            bool isDown = json[i] == '-';
            if (json[i] is (byte)'-' or (byte)'+')
            {
                i++;
            }

            int written = 0;
            for (; i < json.Length && IsDigit(json[i]); i++)
            {
                written = Math.Min((written * 10) + (json[i] - '0'), 100_000);
            }

            exponent += isDown ? -written : written;
        }

        position = i;
        if (digits == 0)
        {
            return isNegative ? -0f : 0f;
        }

        if (TryScale(digits, exponent, out float value))
        {
            return isNegative ? -value : value;
        }

        // The whole text is a number, so this cannot fail; beyond the range it gives an infinity.
        Utf8Parser.TryParse(json[start..i], out value, out _);
        return value;
    }

    private static bool TryScale(ulong digits, int exponent, out float value)
    {
        double scaled = digits;
        if (exponent < 0)
        {
            if (exponent < -22)
            {
                if (exponent < -44)
                {
                    value = 0;
                    return false;
                }

                scaled /= Powers[22];
                exponent += 22;
            }

            scaled /= Powers[-exponent];
        }
        else if (exponent > 0)
        {
            if (exponent > 22)
            {
                value = 0;
                return false;
            }

            scaled *= Powers[exponent];
        }

        value = (float)scaled;
        long low = BitConverter.DoubleToInt64Bits(scaled) & LowBits;
        return scaled is >= LeastNormal and <= GreatestSafe && Math.Abs(low - Middle) > Doubt;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(byte digit, ref ulong digits, ref int count, ref int exponent)
    {
        if (count < MaxDigits)
        {
            digits = (digits * 10) + (uint)(digit - '0');
            count += digits == 0 ? 0 : 1;
        }
        else
        {
            exponent++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsDigit(byte value) => (uint)(value - '0') <= 9;
}
