using System.Buffers.Binary;
using System.Buffers.Text;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Http.Json;

/// <summary>
/// Parses a JSON number to the nearest 32-bit float, the same one as <see cref="float.Parse(string)"/>; a number too large for
/// it becomes an infinity. Several times as fast as a JSON reader with the framework's parser, which matters because an upload
/// of vectors is almost nothing but numbers.
/// </summary>
/// <remarks>
/// The first digits are scaled in double precision, with an error far smaller than a float's last unit. That decides the float
/// unless the double lies close to the middle between two floats, or outside the range of normal floats: then the framework's
/// exact parser decides.
/// </remarks>
internal static class FloatParser
{
    private const int MaxDigits = 19;
    private const int LeastExponent = -44;
    private const int GreatestExponent = 22;
    private const double LeastNormal = 1.2e-38;
    private const double GreatestSafe = 3.4e38;

    // A double has 29 more bits than a float; half of a float's last unit is this value of those bits.
    private const long LowBits = (1L << 29) - 1;
    private const long Middle = 1L << 28;

    // The digits that count have a relative error of at most 10^-13, about 900 units in a double's last place.
    private const long Doubt = 4096;

    // The common form: a sign, one digit, the point, and two windows of digits behind it.
    private const int WindowDigits = 16;
    private const int CommonFormBytes = 3 + (2 * WindowDigits);
    private const ulong OneAtSixteen = 10_000_000_000_000_000;
    private const ulong LeastTruncated = 10_000_000_000_000;

    private const int MaxWrittenExponent = 100_000_000;
    private const int FarExponent = 100;

    // 10^-44 to 10^22, each correctly rounded.
    private static ReadOnlySpan<double> Powers =>
    [
        1e-44, 1e-43, 1e-42, 1e-41, 1e-40, 1e-39, 1e-38, 1e-37, 1e-36, 1e-35, 1e-34, 1e-33, 1e-32, 1e-31, 1e-30, 1e-29, 1e-28,
        1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11,
        1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    /// <summary>
    /// Parses the number at <paramref name="position"/> and moves behind it; what follows it is not looked at.
    /// False when the text there does not begin with a JSON number.
    /// </summary>
    /// <remarks>Optimized at once: a server's first uploads would otherwise run unoptimized code a million times.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryParse(ReadOnlySpan<byte> json, ref int position, out float value)
    {
        if (Vector128.IsHardwareAccelerated && position <= json.Length - CommonFormBytes && TryParseCommonForm(json, ref position, out value))
        {
            return true;
        }

        value = 0;
        int start = position;
        int i = start;
        bool isNegative = i < json.Length && json[i] == '-';
        if (isNegative)
        {
            i++;
        }

        // The whole part: a single zero, or digits that do not begin with one.
        int whole = i;
        ulong digits = 0;
        int count = 0;
        int exponent = 0;
        if (i < json.Length && json[i] == '0')
        {
            i++;
        }
        else
        {
            exponent = ReadDigits(json, ref i, ref digits, ref count);
        }

        if (i == whole)
        {
            return false;
        }

        if (i < json.Length && json[i] == '.')
        {
            int fraction = ++i;
            if (digits == 0)
            {
                while (i < json.Length && json[i] == '0')
                {
                    i++;
                }
            }

            exponent += ReadDigits(json, ref i, ref digits, ref count);
            exponent -= i - fraction;
            if (i == fraction)
            {
                return false;
            }
        }

        if (i < json.Length && (json[i] | 0x20) == 'e' && !TryReadExponent(json, ref i, ref exponent))
        {
            return false;
        }

        position = i;
        if (digits != 0 && !TryScale(digits, exponent, out value))
        {
            value = ParseExactly(json[start..i], exponent, isNegative);
            return true;
        }

        value = isNegative ? -value : value;
        return true;
    }

    /// <summary>
    /// Parses <c>-0.0123456789</c> and its like without a branch that depends on the sign, on the number of digits or on leading
    /// zeros: in embeddings all three are random, and each wrong guess of the processor costs as much as the whole parse.
    /// The digits behind the point are taken as sixteen, those that are missing as zeros.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryParseCommonForm(ReadOnlySpan<byte> json, ref int position, out float value)
    {
        ref byte text = ref Unsafe.Add(ref MemoryMarshal.GetReference(json), position);
        int sign = text == '-' ? 1 : 0;
        text = ref Unsafe.Add(ref text, sign);
        uint whole = (uint)(text - '0');
        if (whole > 9 || Unsafe.Add(ref text, 1) != '.')
        {
            value = 0;
            return false;
        }

        ref byte fraction = ref Unsafe.Add(ref text, 2);
        Vector128<byte> window = Vector128.LoadUnsafe(ref fraction) - Vector128.Create((byte)'0');
        int length = CountDigits(window);
        window &= Vector128.LessThan(Vector128<byte>.Indices, Vector128.Create((byte)length));
        Vector128<ulong> halves = window.AsUInt64();
        ulong digits = (whole * OneAtSixteen) + (ToNumber(halves[0]) * 100_000_000UL) + ToNumber(halves[1]);
        if (length == WindowDigits)
        {
            // Digits beyond the window are cut off; enough must be left for the error to stay below the doubt.
            int more = CountDigits(Vector128.LoadUnsafe(ref fraction, WindowDigits) - Vector128.Create((byte)'0'));
            length = more == WindowDigits || digits < LeastTruncated ? 0 : length + more;
        }

        double scaled = digits * 1e-16;
        value = (float)scaled;
        value = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(value) | (sign << 31));
        long low = BitConverter.DoubleToInt64Bits(scaled) & LowBits;
        if (length == 0 || (Unsafe.Add(ref fraction, length) | 0x20) == 'e' || digits == 0 || Math.Abs(low - Middle) <= Doubt)
        {
            return false;
        }

        position += sign + 2 + length;
        return true;
    }

    /// <summary>Number of values below 10 before the first greater one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CountDigits(Vector128<byte> values) =>
        BitOperations.TrailingZeroCount(Vector128.GreaterThan(values, Vector128.Create((byte)9)).ExtractMostSignificantBits() | (1u << WindowDigits));

    private static float ParseExactly(ReadOnlySpan<byte> number, int exponent, bool isNegative)
    {
        // Far outside the range whatever the digits are; the framework does not read every exponent.
        if (Math.Abs(exponent) > FarExponent)
        {
            float far = exponent < 0 ? 0 : float.PositiveInfinity;
            return isNegative ? -far : far;
        }

        Utf8Parser.TryParse(number, out float value, out _);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryScale(ulong digits, int exponent, out float value)
    {
        if (exponent is < LeastExponent or > GreatestExponent)
        {
            value = 0;
            return false;
        }

        double scaled = digits * Powers[exponent - LeastExponent];
        value = (float)scaled;
        long low = BitConverter.DoubleToInt64Bits(scaled) & LowBits;
        return scaled is >= LeastNormal and <= GreatestSafe && Math.Abs(low - Middle) > Doubt;
    }

    /// <summary>Takes all digits ahead; returns how many of them no longer fitted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ReadDigits(ReadOnlySpan<byte> json, ref int position, ref ulong digits, ref int count)
    {
        int i = position;
        while (count <= MaxDigits - 8 && i <= json.Length - 8)
        {
            ulong eight = BinaryPrimitives.ReadUInt64LittleEndian(json[i..]);
            if (!AreDigits(eight))
            {
                break;
            }

            digits = (digits * 100_000_000) + ToNumber(eight - 0x3030303030303030);
            count += 8;
            i += 8;
        }

        while (i < json.Length && IsDigit(json[i]) && count < MaxDigits)
        {
            digits = (digits * 10) + (uint)(json[i] - '0');
            count++;
            i++;
        }

        int kept = i;
        while (i < json.Length && IsDigit(json[i]))
        {
            i++;
        }

        position = i;
        return i - kept;
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> json, ref int position, ref int exponent)
    {
        int i = position + 1;
        bool isDown = i < json.Length && json[i] == '-';
        if (i < json.Length && json[i] is (byte)'-' or (byte)'+')
        {
            i++;
        }

        int first = i;
        int written = 0;
        for (; i < json.Length && IsDigit(json[i]); i++)
        {
            written = Math.Min((written * 10) + (json[i] - '0'), MaxWrittenExponent);
        }

        position = i;
        exponent += isDown ? -written : written;
        return i > first;
    }

    /// <summary>True when all eight bytes are ASCII digits: their high halves are 3, also after adding 6.</summary>
    private static bool AreDigits(ulong eight) =>
        ((eight & 0xF0F0F0F0F0F0F0F0) | (((eight + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) >> 4)) == 0x3333333333333333;

    /// <summary>The number that eight digits (values, not characters) write, first one in the lowest byte: pairs, then fours, then eight.</summary>
    private static uint ToNumber(ulong eight)
    {
        eight = (eight * 10) + (eight >> 8);
        return (uint)((((eight & 0x000000FF000000FF) * 0x000F424000000064) + (((eight >> 16) & 0x000000FF000000FF) * 0x0000271000000001)) >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsDigit(byte value) => (uint)(value - '0') <= 9;
}
