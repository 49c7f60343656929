using System.Text;
using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>
/// Walks over JSON that <see cref="JsonSyntax"/> has accepted, so that it need not check anything again: it is only correct
/// on valid JSON. Faster than a reader where most of the text is numbers, because values are parsed in place.
/// </summary>
internal ref struct JsonCursor
{
    private readonly ReadOnlySpan<byte> _json;
    private int _position;

    public JsonCursor(ReadOnlySpan<byte> json, int position = 0)
    {
        _json = json;
        _position = position;
    }

    /// <summary>Kind of the value ahead.</summary>
    public JsonValueKind PeekKind() => Peek() switch
    {
        (byte)'{' => JsonValueKind.Object,
        (byte)'[' => JsonValueKind.Array,
        (byte)'"' => JsonValueKind.String,
        (byte)'t' => JsonValueKind.True,
        (byte)'f' => JsonValueKind.False,
        (byte)'n' => JsonValueKind.Null,
        _ => JsonValueKind.Number,
    };

    /// <summary>Enters the object or array ahead. Follow it with <see cref="MoveNext"/> until that returns false.</summary>
    public void Enter()
    {
        Peek();
        _position++;
    }

    /// <summary>Moves to the next member of the entered object or array; false leaves it.</summary>
    public bool MoveNext()
    {
        byte next = Peek();
        if (next == ',')
        {
            _position++;
            next = Peek();
        }

        if (next is (byte)']' or (byte)'}')
        {
            _position++;
            return false;
        }

        return true;
    }

    /// <summary>Takes the name of the member ahead, quotation marks included, and the colon behind it.</summary>
    public ReadOnlySpan<byte> ReadName()
    {
        ReadOnlySpan<byte> name = ReadRaw();
        Peek();
        _position++;
        return name;
    }

    /// <summary>Takes the value ahead as it was sent.</summary>
    public ReadOnlySpan<byte> ReadRaw()
    {
        byte first = Peek();
        int start = _position;
        switch (first)
        {
            case (byte)'"':
                SkipString();
                break;
            case (byte)'{' or (byte)'[':
                SkipContainer();
                break;
            default:
                int length = _json[start..].IndexOfAny(",]} \t\r\n"u8);
                _position = length < 0 ? _json.Length : start + length;
                break;
        }

        return _json[start.._position];
    }

    /// <summary>
    /// Takes the array of numbers ahead. Values beyond <paramref name="target"/> are checked and counted but not kept.
    /// </summary>
    public NumberArray ReadNumbers(Span<float> target)
    {
        Enter();
        int count = 0;
        while (MoveNext())
        {
            if (!FloatParser.IsNumberStart(_json[_position]))
            {
                JsonValueKind kind = PeekKind();
                SkipRest();
                return new NumberArray(count, kind);
            }

            if (!FloatParser.TryParse(_json, ref _position, out float value) || !float.IsFinite(value))
            {
                SkipRest();
                return new NumberArray(count, JsonValueKind.Number);
            }

            if (count < target.Length)
            {
                target[count] = value;
            }

            count++;
        }

        return new NumberArray(count, JsonValueKind.Undefined);
    }

    /// <summary>The text of a string as sent, quotation marks included.</summary>
    public static string Decode(ReadOnlySpan<byte> raw)
    {
        ReadOnlySpan<byte> text = raw[1..^1];
        if (!text.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(text);
        }

        var reader = new Utf8JsonReader(raw);
        reader.Read();
        return reader.GetString()!;
    }

    /// <summary>Compares a name as sent, quotation marks included, with a plain ASCII name.</summary>
    public static bool IsName(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> text = raw[1..^1];
        return text.SequenceEqual(name) || (text.Contains((byte)'\\') && Encoding.UTF8.GetBytes(Decode(raw)).AsSpan().SequenceEqual(name));
    }

    private void SkipRest()
    {
        while (MoveNext())
        {
            ReadRaw();
        }
    }

    private byte Peek()
    {
        int position = _position;
        while (_json[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            position++;
        }

        _position = position;
        return _json[position];
    }

    private void SkipString()
    {
        _position++;
        while (true)
        {
            _position += _json[_position..].IndexOfAny((byte)'"', (byte)'\\');
            if (_json[_position] == '"')
            {
                _position++;
                return;
            }

            _position += 2;
        }
    }

    private void SkipContainer()
    {
        int depth = 0;
        do
        {
            _position += _json[_position..].IndexOfAny("\"{}[]"u8);
            switch (_json[_position])
            {
                case (byte)'"':
                    SkipString();
                    continue;
                case (byte)'{' or (byte)'[':
                    depth++;
                    break;
                default:
                    depth--;
                    break;
            }

            _position++;
        }
        while (depth > 0);
    }
}
