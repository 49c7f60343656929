using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Moorcheh.Tests.Support;

/// <summary>Requests and answers as bytes on a connection of their own: an HTTP client would tidy what it sends.</summary>
internal static partial class RawHttp
{
    /// <summary>Sends a request, a byte a character, and reads until the server closes.</summary>
    public static async Task<RawAnswer> SendAsync(Uri address, string request, byte[]? body = null)
    {
        string all = await ExchangeAsync(address, request, body);
        return Read(ref all);
    }

    /// <summary>As the other one, for several answers on one connection.</summary>
    public static async Task<List<RawAnswer>> SendAllAsync(Uri address, string requests)
    {
        string all = await ExchangeAsync(address, requests, null);
        List<RawAnswer> answers = [];
        while (all.Length > 0)
        {
            answers.Add(Read(ref all));
        }

        return answers;
    }

    private static async Task<string> ExchangeAsync(Uri address, string request, byte[]? body)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port, TestStore.Token);
        await socket.GetStream().WriteAsync((byte[])[.. Encoding.Latin1.GetBytes(request), .. body ?? []], TestStore.Token);
        using var reader = new StreamReader(socket.GetStream(), Encoding.Latin1);
        return await reader.ReadToEndAsync(TestStore.Token);
    }

    /// <summary>Takes one answer from the front; the last one ends where the connection did, whatever its length says.</summary>
    private static RawAnswer Read(ref string all)
    {
        int end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.That(end, Is.Positive, all);
        string head = all[..end];
        int length = int.Parse(Length().Match(head).Groups[1].Value, CultureInfo.InvariantCulture);
        bool isLast = !all[(end + 4)..].Contains("HTTP/1.1 ", StringComparison.Ordinal);
        string body = isLast ? all[(end + 4)..] : all.Substring(end + 4, length);
        all = isLast ? "" : all[(end + 4 + length)..];
        return new RawAnswer(int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture), length, head, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(body)));
    }

    [GeneratedRegex(@"Content-Length: (\d+)")]
    private static partial Regex Length();
}

/// <summary>An answer: its status, the length it announced, its head, and the body that came.</summary>
internal sealed record RawAnswer(int Status, int Length, string Head, string Body)
{
    public string? ContentType => Head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Type: ", StringComparison.Ordinal))?[14..];

    /// <summary>The answer is whole and has exactly this body.</summary>
    public void AssertIs(int status, string body)
    {
        Assert.That((Status, Body), Is.EqualTo((status, body)));
        Assert.That(Length, Is.EqualTo(Encoding.UTF8.GetByteCount(body)));
        Assert.That(ContentType, Is.EqualTo(body.StartsWith("{\"status\"", StringComparison.Ordinal) ? "application/json; charset=utf-8" : "application/json"));
    }
}
