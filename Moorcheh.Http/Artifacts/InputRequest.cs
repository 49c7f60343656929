using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>Reads what an ingest is to read: a text, a file in base64, or an address.</summary>
internal static class InputRequest
{
    /// <summary>Reads an input; null when it has a fault, which is noted.</summary>
    /// <param name="node">The input.</param>
    /// <param name="at">Its place in the request.</param>
    /// <param name="uriAt">The place of its address, if it has one.</param>
    public static ArtifactInput? Read(SchemaNode node, object[] at, out object[] uriAt)
    {
        uriAt = [];
        if (!node.Element.TryGetProperty("type", out JsonElement type))
        {
            node.Add("union_tag_not_found", at, "Unable to extract tag using discriminator 'type'", node.Element);
            return null;
        }

        string tag = type.ValueKind == JsonValueKind.String ? type.GetString()! : type.GetRawText();
        if (type.ValueKind != JsonValueKind.String || tag is not ("file" or "uri" or "text"))
        {
            node.Add("union_tag_invalid", at, $"Input tag '{tag}' found using 'type' does not match any of the expected tags: 'file', 'uri', 'text'", node.Element);
            return null;
        }

        object[] valueAt = [.. at, tag, "value"];
        if (tag == "file")
        {
            return File(node, valueAt);
        }

        if (node.Text("value", isRequired: true, at: valueAt) is not { } text)
        {
            return null;
        }

        if (tag == "text")
        {
            return ArtifactInput.FromText(text);
        }

        uriAt = valueAt;
        if (text.StartsWith("data:", StringComparison.OrdinalIgnoreCase) && DataOf(text) is { } data)
        {
            return ArtifactInput.FromFile(data, "downloaded_file");
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.Host.Length > 0)
        {
            return ArtifactInput.FromUri(uri);
        }

        node.AddValueError(valueAt, "URI must be http, https or a base64 data URI", node.Element.GetProperty("value"));
        return null;
    }

    private static ArtifactInput? File(SchemaNode node, object[] at)
    {
        if (node.Find("value", isRequired: true, isNullable: false, at) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            node.Add("string_type", at, "Input should be a valid string", value);
            return null;
        }

        // As it stands in the body: the text of a large file would take twice as much again.
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        byte[]? bytes = Decode(raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(value.GetString()!) : raw);
        if (bytes is { Length: > 0 })
        {
            return ArtifactInput.FromFile(bytes);
        }

        node.AddValueError(at, "File input requires valid base64 encoded content", value);
        return null;
    }

    /// <summary>The content of <c>data:[type];base64,...</c>; null for anything else.</summary>
    private static byte[]? DataOf(string uri)
    {
        const string Marker = ";base64,";
        int comma = uri.IndexOf(',', StringComparison.Ordinal);
        return comma >= 0 && uri[..(comma + 1)].EndsWith(Marker, StringComparison.OrdinalIgnoreCase)
            ? Decode(Encoding.UTF8.GetBytes(uri[(comma + 1)..]))
            : null;
    }

    /// <summary>Decodes canonical base64 with blanks around it; null for anything else.</summary>
    private static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \t\r\n"u8);
        if (text.Length % 4 != 0 || text.ContainsAny(" \t\r\n"u8))
        {
            return null;
        }

        byte[] bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, bytes, out int used, out int written) != OperationStatus.Done || used != text.Length)
        {
            return null;
        }

        // The bits that the last characters have too many must be zero.
        int tail = written % 3 == 0 ? Math.Min(3, written) : written % 3;
        Span<byte> again = stackalloc byte[4];
        Base64.EncodeToUtf8(bytes.AsSpan(written - tail, tail), again, out _, out int length);
        return again[..length].SequenceEqual(text[^length..]) ? bytes[..written] : null;
    }
}
