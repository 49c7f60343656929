using System.Text;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens.Struct;

namespace Moorcheh.Documents.Readers;

/// <summary>Decides the encoding of a page by the rules of the web, and decodes it.</summary>
internal static class PageEncoding
{
    private const int MaxPageCharacters = 32 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// By byte order mark, else by the first <c>meta</c> that names one and is markup, wherever it is, else by an XML declaration, else UTF-8; only then bytes
    /// that do not fit are an error.
    /// </summary>
    public static string Decode(ReadOnlySpan<byte> bytes, CancellationToken cancellationToken)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            return Decode(Encoding.UTF8, bytes[3..]);
        }

        if (bytes.StartsWith(Encoding.Unicode.Preamble) || bytes.StartsWith(Encoding.BigEndianUnicode.Preamble))
        {
            return Decode(bytes[0] == 0xFF ? Encoding.Unicode : Encoding.BigEndianUnicode, bytes[2..]);
        }

        if (bytes.StartsWith("<\0?\0x\0"u8) || bytes.StartsWith("\0<\0?\0x"u8))
        {
            return Decode(bytes[0] == '<' ? Encoding.Unicode : Encoding.BigEndianUnicode, bytes);
        }

        return Decode(FindNamed(bytes, cancellationToken) ?? Strict, bytes);
    }

    private static Encoding? FindNamed(ReadOnlySpan<byte> bytes, CancellationToken cancellationToken)
    {
        // All encodings that a page can name in itself have ASCII in common. Most pages need not be read twice: they name none.
        string page = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, MaxPageCharacters)]);
        return (page.Contains("<meta", StringComparison.OrdinalIgnoreCase) && page.Contains("charset", StringComparison.OrdinalIgnoreCase)
            ? FindMeta(page, cancellationToken) : null) ?? FindDeclared(page);
    }

    private static Encoding? FindMeta(string page, CancellationToken cancellationToken)
    {
        using var tokens = new PageTokens(page);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ref StructHtmlToken token = ref tokens.Read();
            if (token.Type == HtmlTokenType.EndOfFile)
            {
                return null;
            }

            if (token.Type == HtmlTokenType.StartTag && tokens.Name == "meta" && LabelOf(ref token) is { } label && WebEncoding.FindNamed(label) is { } found)
            {
                return found;
            }
        }
    }

    private static string? LabelOf(ref StructHtmlToken meta)
    {
        string charset = meta.GetAttribute("charset").ToString();
        if (charset.Length > 0)
        {
            return charset;
        }

        return meta.GetAttribute("http-equiv").ToString().Equals("content-type", StringComparison.OrdinalIgnoreCase)
            ? After(meta.GetAttribute("content").ToString(), "charset", ';') : null;
    }

    private static Encoding? FindDeclared(string page)
    {
        int end = page.StartsWith("<?xml", StringComparison.Ordinal) ? page.IndexOf('>', StringComparison.Ordinal) : -1;
        return end > 0 && After(page[..end], "encoding", '?') is { } label ? WebEncoding.FindNamed(label) : null;
    }

    /// <summary>The value behind a word and an equals sign, in quotes or not.</summary>
    private static string? After(string text, string word, char end)
    {
        for (int at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0;)
        {
            at += word.Length;
            ReadOnlySpan<char> rest = text.AsSpan(at).TrimStart();
            if (rest is not ['=', ..])
            {
                continue;
            }

            rest = rest[1..].TrimStart();
            bool isQuoted = rest is ['"' or '\'', ..];
            int length = isQuoted ? rest[1..].IndexOf(rest[0]) : rest.IndexOfAny(end, ' ');
            return isQuoted ? (length < 0 ? null : rest[1..(length + 1)].ToString()) : (length < 0 ? rest : rest[..length]).ToString();
        }

        return null;
    }

    private static string Decode(Encoding encoding, ReadOnlySpan<byte> bytes)
    {
        int characters = encoding.GetCharCount(bytes);
        return characters <= MaxPageCharacters
            ? encoding.GetString(bytes)
            : throw new InvalidDataException($"The page has {characters} characters; the limit is {MaxPageCharacters}.");
    }
}
