using System.Buffers;
using System.Text.Json;

namespace Moorcheh.Index.Postings;

/// <summary>
/// Hashes of JSON values such that values equal by <see cref="JsonElement.DeepEquals"/> have equal hashes: numbers by value, strings
/// unescaped, properties in any order.
/// </summary>
internal static class JsonHash
{
    private const ulong NullSeed = 0x243F6A8885A308D3;
    private const ulong FalseSeed = 0x13198A2E03707344;
    private const ulong TrueSeed = 0xA4093822299F31D0;
    private const ulong StringSeed = 0x082EFA98EC4E6C89;
    private const ulong NumberSeed = 0x452821E638D01377;
    private const ulong ArraySeed = 0xBE5466CF34E90C6C;
    private const ulong ObjectSeed = 0xC0AC29B7C97C50DD;
    private const ulong PropertySeed = 0x3F84D5B5B5470917;

    // Ten more could not overflow; System.Text.Json refuses to compare numbers with exponents beyond 32 bits.
    private const long MaxExponent = long.MaxValue / 16;

    /// <summary>Hashes the value whose first token the reader stands on; leaves it on the last.</summary>
    public static ulong Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return NullSeed;
            case JsonTokenType.False:
                return FalseSeed;
            case JsonTokenType.True:
                return TrueSeed;
            case JsonTokenType.Number:
                return Number(reader.ValueSpan);
            case JsonTokenType.String:
                return Text(ref reader, StringSeed);
            case JsonTokenType.StartArray:
                return Array(ref reader);
            case JsonTokenType.StartObject:
                return Object(ref reader);
            default:
                throw new JsonException($"{reader.TokenType} is no value.");
        }
    }

    /// <summary>Hashes the property name or string the reader stands on.</summary>
    public static ulong Text(ref Utf8JsonReader reader, ulong seed)
    {
        if (!reader.ValueIsEscaped)
        {
            return TermHash.Bytes(seed, reader.ValueSpan);
        }

        byte[] unescaped = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            return TermHash.Bytes(seed, unescaped.AsSpan(0, reader.CopyString(unescaped)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(unescaped);
        }
    }

    /// <summary>By value, however it is spelt: the digits without zeros at either end, and the place of the last.</summary>
    private static ulong Number(ReadOnlySpan<byte> json)
    {
        ulong hash = NumberSeed;
        bool isNegative = false;
        bool hasDigits = false;
        bool isFraction = false;
        long zeros = 0;
        long exponent = 0;
        for (int i = 0; i < json.Length; i++)
        {
            byte b = json[i];
            if (b == '-')
            {
                isNegative = true;
            }
            else if (b == '.')
            {
                isFraction = true;
            }
            else if (b is (byte)'e' or (byte)'E')
            {
                exponent += Exponent(json[(i + 1)..]);
                break;
            }
            else
            {
                exponent -= isFraction ? 1 : 0;
                if (b == '0')
                {
                    // Counts when another digit follows; before the first digit it says nothing.
                    zeros += hasDigits ? 1 : 0;
                    continue;
                }

                hasDigits = true;
                for (; zeros > 0; zeros--)
                {
                    hash = TermHash.Step(hash, '0');
                }

                hash = TermHash.Step(hash, b);
            }
        }

        return hasDigits ? TermHash.Step(TermHash.Step(hash, (ulong)(exponent + zeros)), isNegative ? 1UL : 0) : hash;
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

    private static ulong Array(ref Utf8JsonReader reader)
    {
        ulong hash = ArraySeed;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            hash = TermHash.Step(hash, Value(ref reader));
        }

        return TermHash.Finish(hash);
    }

    private static ulong Object(ref Utf8JsonReader reader)
    {
        // A sum does not know the order. It counts keys written twice as often as they are there, and so does DeepEquals.
        ulong sum = ObjectSeed;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            ulong name = Text(ref reader, PropertySeed);
            reader.Read();
            sum += TermHash.Finish(TermHash.Step(name, Value(ref reader)));
        }

        return TermHash.Finish(sum);
    }
}
