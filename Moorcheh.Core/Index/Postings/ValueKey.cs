using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Moorcheh.Index.Postings;

/// <summary>
/// JSON scalars as bytes whose order is the order of the values: null, false, true, numbers by value, strings as .NET orders them ordinally.
/// Equal values have equal keys. Goes to disk: the first byte is the kind; a number has its decimal exponent and two digits a byte, negated
/// for negative ones; a string is its UTF-8, with the first bytes of long sequences mapped so that their order is that of UTF-16.
/// </summary>
internal static class ValueKey
{
    /// <summary>What has no scalar in it, but is there: an object, an empty array.</summary>
    public const byte Other = 0;

    public const byte Null = 1;
    public const byte False = 2;
    public const byte True = 3;
    public const byte Negative = 4;
    public const byte Zero = 5;
    public const byte Positive = 6;
    public const byte String = 7;

    /// <summary>Bytes behind the kind that a short key keeps.</summary>
    public const int MaxBody = 40;

    /// <summary>Bytes of a short key that is not the whole one: kind, first bytes, 0, and 16 bytes of the hash of the whole.</summary>
    public const int CutLength = 1 + MaxBody + 1 + HashBytes;

    private const int HashBytes = 16;

    // JsonHash has the same bound: System.Text.Json compares no numbers with greater exponents.
    private const long MaxExponent = long.MaxValue / 16;

    /// <summary>The key of a null, boolean, number or string.</summary>
    public static byte[] Of(JsonElement scalar)
    {
        var writer = new ArrayBufferWriter<byte>(32);
        Write(scalar, writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Writes the key of a null, boolean, number or string.</summary>
    public static void Write(JsonElement scalar, ArrayBufferWriter<byte> into)
    {
        switch (scalar.ValueKind)
        {
            case JsonValueKind.Null:
                into.Write([Null]);
                break;
            case JsonValueKind.False:
                into.Write([False]);
                break;
            case JsonValueKind.True:
                into.Write([True]);
                break;
            case JsonValueKind.Number:
                WriteNumber(JsonMarshal.GetRawUtf8Value(scalar), into);
                break;
            case JsonValueKind.String:
                ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(scalar)[1..^1];
                WriteString(raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(scalar.GetString()!) : raw, into);
                break;
            default:
                throw new JsonException($"{scalar.ValueKind} is no scalar.");
        }
    }

    /// <summary>Writes the key of a string.</summary>
    /// <param name="utf8">Well-formed UTF-8.</param>
    /// <param name="into">Takes the key.</param>
    public static void WriteString(ReadOnlySpan<byte> utf8, ArrayBufferWriter<byte> into)
    {
        Span<byte> key = into.GetSpan(utf8.Length + 1)[..(utf8.Length + 1)];
        key[0] = String;
        utf8.CopyTo(key[1..]);
        for (int at = 1; (uint)at < (uint)key.Length;)
        {
            int next = key[at..].IndexOfAnyInRange((byte)0xEE, (byte)0xF4);
            if (next < 0)
            {
                break;
            }

            at += next;

            // Code points from U+10000 (F0 to F4) are surrogates in UTF-16 and stand before U+E000 to U+FFFF (EE and EF).
            key[at] = key[at] >= 0xF0 ? (byte)(key[at] - 2) : (byte)(key[at] + 5);
            at++;
        }

        into.Advance(key.Length);
    }

    /// <summary>Writes the key of a number as JSON has it.</summary>
    public static void WriteNumber(ReadOnlySpan<byte> json, ArrayBufferWriter<byte> into)
    {
        bool isNegative = json[0] == '-';
        int end = json.IndexOfAny((byte)'e', (byte)'E');
        ReadOnlySpan<byte> mantissa = json[(isNegative ? 1 : 0)..(end < 0 ? json.Length : end)];
        int first = mantissa.IndexOfAnyInRange((byte)'1', (byte)'9');
        if (first < 0)
        {
            into.Write([Zero]);
            return;
        }

        // The value is 0.d1 d2 d3 ... times ten to the exponent.
        int point = mantissa.IndexOf((byte)'.');
        point = point < 0 ? mantissa.Length : point;
        long exponent = point - first + (first > point ? 1 : 0) + (end < 0 ? 0 : Exponent(json[(end + 1)..]));
        ReadOnlySpan<byte> digits = mantissa[first..(mantissa.LastIndexOfAnyInRange((byte)'1', (byte)'9') + 1)];
        Span<byte> key = into.GetSpan(12 + (digits.Length / 2) + 1);
        int length = 0;
        key[length++] = isNegative ? Negative : Positive;
        if (exponent is >= -100 and <= 100)
        {
            key[length++] = (byte)(exponent + 128);
        }
        else
        {
            key[length++] = exponent < 0 ? byte.MinValue : byte.MaxValue;
            BinaryPrimitives.WriteInt64BigEndian(key[length..], exponent);
            length += sizeof(long);
        }

        int pending = -1;
        foreach (byte digit in digits)
        {
            if (digit == '.')
            {
                continue;
            }

            if (pending < 0)
            {
                pending = digit - '0';
            }
            else
            {
                key[length++] = (byte)((pending * 10) + digit - '0' + 1);
                pending = -1;
            }
        }

        if (pending >= 0)
        {
            key[length++] = (byte)((pending * 10) + 1);
        }

        if (isNegative)
        {
            for (int i = 1; i < length; i++)
            {
                key[i] = (byte)~key[i];
            }

            key[length++] = byte.MaxValue; // More digits make it less.
        }

        into.Advance(length);
    }

    /// <summary>True when a key is longer than what is kept of it.</summary>
    public static bool IsLong(ReadOnlySpan<byte> key) => key.Length - 1 > (key[0] == Negative ? MaxBody + 1 : MaxBody);

    /// <summary>
    /// What is kept of a key: all of it, or its first bytes and a hash. Two values have the same only when they are equal, but the order of
    /// those that agree in their first bytes is lost.
    /// </summary>
    public static byte[] Shorten(ReadOnlySpan<byte> key)
    {
        if (!IsLong(key))
        {
            return key.ToArray();
        }

        byte[] cut = new byte[CutLength];
        key[..(1 + MaxBody)].CopyTo(cut);
        SHA256.HashData(key).AsSpan(0, HashBytes).CopyTo(cut.AsSpan(CutLength - HashBytes));
        return cut;
    }

    private static long Exponent(ReadOnlySpan<byte> json)
    {
        long value = 0;
        foreach (byte b in json)
        {
            if (char.IsAsciiDigit((char)b))
            {
                value = Math.Min((value * 10) + b - '0', MaxExponent);
            }
        }

        return json[0] == '-' ? -value : value;
    }
}
