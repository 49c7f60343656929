using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>Sends bytes and gives the answer as it came, without what differs from one run to the next.</summary>
/// <param name="directory">Of the store.</param>
internal sealed partial class RecordedAnswers(string directory)
{
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>What a name stands for; the name itself when it stands for nothing.</summary>
    public string Resolve(string name) => _values.GetValueOrDefault(name, name);

    public static async Task<byte[]> SendAsync(Uri address, byte[] request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port, TestStore.Token);
        await socket.GetStream().WriteAsync(request, TestStore.Token);
        using var answer = new MemoryStream();
        await socket.GetStream().CopyToAsync(answer, TestStore.Token);
        return answer.ToArray();
    }

    /// <summary>Lines of the head, an empty line, lines of the body. A length that is the body's is left out, and so is the date.</summary>
    public IReadOnlyList<string> Read(byte[] answer)
    {
        int end = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.That(end, Is.Positive, Encoding.UTF8.GetString(answer));
        List<string> head = [.. Encoding.Latin1.GetString(answer, 0, end).Split("\r\n")];
        byte[] body = answer[(end + 4)..];
        if (head.Contains("Transfer-Encoding: chunked"))
        {
            body = Join(body);
        }

        head.RemoveAll(line => line.StartsWith("Date: ", StringComparison.Ordinal));
        head.Remove(string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}"));
        string text = Encoding.UTF8.GetString(body);
        Assert.That(Encoding.UTF8.GetBytes(text), Is.EqualTo(body), "The body is not UTF-8.");
        return [.. head.Append("").Concat(text.Split('\n')).Select(Normalize)];
    }

    private static byte[] Join(byte[] chunked)
    {
        List<byte> body = [];
        for (int at = 0; ;)
        {
            int end = at + chunked.AsSpan(at).IndexOf("\r\n"u8);
            int length = int.Parse(Encoding.ASCII.GetString(chunked, at, end - at), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length == 0)
            {
                return [.. body];
            }

            body.AddRange(chunked.AsSpan(end + 2, length));
            at = end + 2 + length + 2;
        }
    }

    private string Normalize(string line)
    {
        line = line.Replace(directory, "{directory}", StringComparison.Ordinal);
        line = JobId().Replace(line, match => NameOf("job", match.Value));
        line = TaskId().Replace(line, match => NameOf("task", match.Value));
        line = Cursor().Replace(line, match => match.Groups[1].Value + NameOf("cursor", match.Groups[2].Value) + "\"");
        line = Seconds().Replace(line, "$1{seconds}");
        line = Bytes().Replace(line, "$1{bytes}");
        line = LastSuccess().Replace(line, "$1{time}");
        line = LastSuccessMetric().Replace(line, "$1{time}");
        return ProcessCounter().Replace(line, "$1{count}");
    }

    /// <summary>The same value has the same name in all answers.</summary>
    private string NameOf(string kind, string value)
    {
        if (!_names.TryGetValue(value, out string? name))
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{{{kind}:{_names.Values.Count(other => other.StartsWith("{" + kind, StringComparison.Ordinal)) + 1}}}");
            _names.Add(value, name);
            _values.Add(name, value);
        }

        return name;
    }

    [GeneratedRegex("job-(?!0{32})[0-9a-f]{32}")]
    private static partial Regex JobId();

    [GeneratedRegex("(?!0{8})[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex TaskId();

    [GeneratedRegex("(\"next_cursor\":\")([^\"]+)\"")]
    private static partial Regex Cursor();

    [GeneratedRegex(@"(""(?:execution_time|parse_validate|prepare_vector|fetch_data|calculate_distance|select_candidates|calculate_scores|total)"":)\d+\.\d+")]
    private static partial Regex Seconds();

    [GeneratedRegex(@"(""(?:free_bytes|journal_bytes)"":|^moorcheh_(?:free|journal)_bytes |""problems"":\["")\d+")]
    private static partial Regex Bytes();

    [GeneratedRegex(@"(""last_success"":)(?:null|""[^""]+"")")]
    private static partial Regex LastSuccess();

    [GeneratedRegex(@"^(moorcheh_loop_last_success_timestamp_seconds\{[^}]*\} ).*")]
    private static partial Regex LastSuccessMetric();

    [GeneratedRegex(@"^(moorcheh_callbacks_total\{[^}]*\} )\d+")]
    private static partial Regex ProcessCounter();
}
