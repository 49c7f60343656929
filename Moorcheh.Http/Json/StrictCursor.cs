using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>
/// Walks over JSON and checks it on the way. It answers only yes or no: whoever gets a no reads the text again with
/// <see cref="JsonSyntax"/>, which knows what is wrong and where. Strings with escapes in names are a no, too; they are rare.
/// The text must be valid UTF-8.
/// </summary>
internal ref struct StrictCursor(ReadOnlySpan<byte> json)
{
    private static readonly SearchValues<byte> StringStops = SearchValues.Create(
        [(byte)'"', (byte)'\\', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);

    private readonly ReadOnlySpan<byte> _json = json;
    private int _position = 0;

    /// <summary>True when nothing but blanks is left.</summary>
    public bool IsAtEnd()
    {
        SkipBlanks();
        return _position == _json.Length;
    }

    /// <summary>Takes a structural character if it is the next one.</summary>
    public bool TryTake(byte character)
    {
        SkipBlanks();
        if (_position < _json.Length && _json[_position] == character)
        {
            _position++;
            return true;
        }

        return false;
    }

    /// <summary>Takes a string without escapes, quotation marks included.</summary>
    public bool TryReadString(out ReadOnlySpan<byte> raw)
    {
        raw = default;
        SkipBlanks();
        if (_position >= _json.Length || _json[_position] != '"')
        {
            return false;
        }

        int length = _json[(_position + 1)..].IndexOfAny(StringStops);
        if (length < 0 || _json[_position + 1 + length] != '"')
        {
            return false;
        }

        raw = _json.Slice(_position, length + 2);
        _position += raw.Length;
        return true;
    }

    /// <summary>Takes a member's name and the colon behind it.</summary>
    public bool TryReadName(out ReadOnlySpan<byte> raw) => TryReadString(out raw) && TryTake((byte)':');

    /// <summary>Takes a value of any kind, at most <paramref name="maxDepth"/> levels deep.</summary>
    public bool TryReadValue(int maxDepth, out ReadOnlySpan<byte> raw)
    {
        raw = default;
        SkipBlanks();
        if (_position >= _json.Length)
        {
            return false;
        }

        int start = _position;
        byte first = _json[start];
        bool isRead = first switch
        {
            (byte)'"' => TryReadString(out _) || TryReadWithReader(maxDepth),
            (byte)'{' or (byte)'[' => TryReadWithReader(maxDepth),
            (byte)'t' => TryReadLiteral("true"u8),
            (byte)'f' => TryReadLiteral("false"u8),
            (byte)'n' => TryReadLiteral("null"u8),
            _ => FloatParser.TryParse(_json, ref _position, out _),
        };
        raw = isRead ? _json[start.._position] : default;
        return isRead;
    }

    /// <summary>Takes an array of exactly as many finite numbers as <paramref name="target"/> holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool TryReadNumbers(Span<float> target)
    {
        if (!TryTake((byte)'['))
        {
            return false;
        }

        ReadOnlySpan<byte> text = _json;
        int position = _position;
        for (int i = 0; i < target.Length; i++)
        {
            if (i > 0)
            {
                SkipBlanks(text, ref position);
                if (position >= text.Length || text[position++] != ',')
                {
                    return false;
                }
            }

            SkipBlanks(text, ref position);
            if (!FloatParser.TryParse(text, ref position, out target[i]) || !float.IsFinite(target[i]))
            {
                return false;
            }
        }

        _position = position;
        return TryTake((byte)']');
    }

    private bool TryReadLiteral(ReadOnlySpan<byte> literal)
    {
        if (!_json[_position..].StartsWith(literal))
        {
            return false;
        }

        _position += literal.Length;
        return true;
    }

    private bool TryReadWithReader(int maxDepth)
    {
        var reader = new Utf8JsonReader(_json[_position..], new JsonReaderOptions { MaxDepth = maxDepth });
        try
        {
            do
            {
                if (!reader.Read() || (reader.ValueIsEscaped && JsonSyntax.FindLoneSurrogate(reader.ValueSpan) >= 0))
                {
                    return false;
                }
            }
            while (reader.CurrentDepth > 0 || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray);
        }
        catch (JsonException)
        {
            return false;
        }

        _position += (int)reader.BytesConsumed;
        return true;
    }

    private void SkipBlanks() => SkipBlanks(_json, ref _position);

    private static void SkipBlanks(ReadOnlySpan<byte> text, ref int position)
    {
        while (position < text.Length && text[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            position++;
        }
    }
}
