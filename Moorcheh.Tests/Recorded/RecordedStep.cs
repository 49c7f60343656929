using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Moorcheh.Tests.Recorded;

/// <summary>Requests to one server, in order, and what it answered.</summary>
/// <param name="Arguments">Of the sidecar's command line.</param>
/// <param name="HasEmbedder">True: texts are embedded by the test embedder; false: the server has none.</param>
/// <param name="Steps">The requests.</param>
internal sealed record RecordedConversation(IReadOnlyList<string> Arguments, bool HasEmbedder, IReadOnlyList<RecordedStep> Steps)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static RecordedConversation Load(string path) => JsonSerializer.Deserialize<RecordedConversation>(File.ReadAllText(path), Json)!;

    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + "\n");
}

/// <summary>
/// A request and its answer. In the request, <c>{repeat:3:ab}</c> stands for <c>ababab</c>, and names such as <c>{job:1}</c> for what an answer
/// before had in that place.
/// </summary>
internal sealed partial record RecordedStep
{
    /// <summary>Opens this word before the request is sent, and waits until what waited for it has come to its end.</summary>
    public string? Release { get; init; }

    /// <summary>Texts with this word wait to be embedded from here on; the step ends when one does.</summary>
    public string? Hold { get; init; }

    /// <summary>Jobs and tasks that are still running when the step ends.</summary>
    public int Running { get; init; }

    /// <summary>True: the answer is read after the last step.</summary>
    public bool IsAnsweredLater { get; init; }

    /// <summary>Request line and headers, without <c>Host</c>, <c>Connection</c>, and the headers of the body.</summary>
    public IReadOnlyList<string> Request { get; init; } = [];

    /// <summary>True: nothing is added to the request.</summary>
    public bool IsRaw { get; init; }

    /// <summary>The body as text.</summary>
    public string? Body { get; init; }

    /// <summary>The body as base64, when it is no text.</summary>
    public string? BodyBytes { get; init; }

    /// <summary>True: the body is sent as gzip.</summary>
    public bool IsCompressed { get; init; }

    /// <summary>Status line and headers, an empty line, the body.</summary>
    public IReadOnlyList<string> Answer { get; init; } = [];

    /// <summary>What goes over the wire.</summary>
    /// <param name="resolve">Gives what a name in braces stands for.</param>
    public byte[] ToBytes(Func<string, string> resolve)
    {
        string Expand(string text) => Name().Replace(Repeat().Replace(text, RepeatIt), match => resolve(match.Value));
        byte[] body = BodyBytes is not null ? Convert.FromBase64String(BodyBytes) : Encoding.UTF8.GetBytes(Expand(Body ?? ""));
        List<string> head = [.. Request.Select(Expand)];
        if (IsCompressed)
        {
            body = Compress(body);
            head.Add("Content-Encoding: gzip");
        }

        if (!IsRaw)
        {
            AddUnlessThere(head, "Host", "localhost");
            AddUnlessThere(head, "Connection", "close");
            if (Body is not null || BodyBytes is not null)
            {
                AddUnlessThere(head, "Content-Type", "application/json");
                AddUnlessThere(head, "Content-Length", body.Length.ToString(CultureInfo.InvariantCulture));
            }
        }

        return [.. Encoding.Latin1.GetBytes(string.Concat(head.Select(line => line + "\r\n")) + "\r\n"), .. body];
    }

    private static void AddUnlessThere(List<string> head, string name, string value)
    {
        // A name without a value stands for a header that is not to be sent.
        if (!head.Remove(name + ":") && !head.Exists(line => line.StartsWith(name + ":", StringComparison.Ordinal)))
        {
            head.Add($"{name}: {value}");
        }
    }

    private static byte[] Compress(byte[] body)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(body);
        }

        return compressed.ToArray();
    }

    private static string RepeatIt(Match match) =>
        new StringBuilder().Insert(0, match.Groups[2].Value, int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToString();

    [GeneratedRegex(@"\{repeat:(\d+):([^}]*)\}")]
    private static partial Regex Repeat();

    [GeneratedRegex(@"\{[a-z]+:\d+\}")]
    private static partial Regex Name();
}
