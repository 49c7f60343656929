using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Moorcheh.Tests.Http;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Some 400 requests that no client should send, each on a connection of its own as raw bytes. All are answered with a 4xx; the server goes on,
/// nothing is stored and no job is started. Exact answers to the more likely ones are in <see cref="HostileInputTests"/>.
/// </summary>
[Category("Faults")]
[CancelAfter(180_000)]
public partial class HostileRequestTests : ServerFixture
{
    private static readonly string[] Posts =
    [
        "/namespaces", "/namespaces/NAME/vectors", "/namespaces/NAME/documents", "/namespaces/NAME/items/get", "/namespaces/NAME/items/delete",
        "/search",
    ];

    private static readonly string[] Bodies =
    [
        "", " ", "null", "[]", "\"x\"", "1", "true", "{", "}", "{\"a\":", "{\"a\":1", "{\"a\":1}}", "{\"a\":1} {}", "{'a':1}", "{a:1}", "{\"a\":1,}", "{\"a\":01}",
        "{\"a\":1.}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":0x10}", "{\"a\":NaN}", "{\"a\":undefined}", "{\"a\":1 /* x */}", "// x\n{}", "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\u0001\"}", "{\"a\":\"x\n\"}", "{\"\\udc00\":1}", "{\"a\":tru}",
    ];

    private static readonly string[] Types =
        ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "image/png", "json", "application/jsonx"];

    private static readonly string[] Names =
    [
        "..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..", "%00", "a%00", "%ff%fe", "%c0%af", "%", "%zz", "a%20b", "-a", "_a", "%F0%9F%92%A9", "a.b", "a;b", "a%3Fb",
        "a%23b", "a%0d%0aX:1", "CON", "nul.txt", "~", "$HOME", "`id`", "%24%28id%29", "a*b", "a%7Cb", "%2Fabsolute", "a%5Cb", "con%3A", "%u0041", "a%e2%80%aeb", "*",
    ];

    [Test]
    public async Task Requests_NobodyShouldSend_AreRefusedAndChangeNothing(CancellationToken token)
    {
        string name = await NewNamespaceAsync(3);
        await Api.UploadVectorsAsync(name, ("kept", [1, 2, 3]));
        string before = (await Api.GetAsync("/namespaces"))["namespaces"].GetRawText();
        long jobs = await CountJobsAsync(name);

        List<(string What, byte[] Request)> requests = [.. Requests(name)];
        Assert.That(requests, Has.Count.GreaterThanOrEqualTo(350));
        List<string> wrong = [];
        foreach ((string what, byte[] request) in requests)
        {
            string answer = await SendAsync(request, token);
            if (!StatusLine().IsMatch(answer))
            {
                wrong.Add($"{what}: {answer.Split('\r')[0]}");
            }
        }

        Assert.That(wrong, Is.Empty);
        await LeaveHalfWayAsync(name, token);
        Assert.That((await Api.GetAsync("/namespaces"))["namespaces"].GetRawText(), Is.EqualTo(before));
        Assert.That(await CountJobsAsync(name), Is.EqualTo(jobs));
        (await Api.GetAsync("/health")).AssertStatus(200);
        await TestContext.Out.WriteLineAsync($"{requests.Count} requests, 60 left half-way.");
    }

    private static IEnumerable<(string What, byte[] Request)> Requests(string name)
    {
        foreach (string path in Posts.Select(path => path.Replace("NAME", name, StringComparison.Ordinal)))
        {
            foreach (string body in Bodies)
            {
                yield return ($"{path} {body}", Post(path, Encoding.UTF8.GetBytes(body)));
            }

            foreach (string type in Types)
            {
                yield return ($"{path} as {type}", Post(path, "{}"u8.ToArray(), type));
            }

            yield return ($"{path} bad UTF-8", Post(path, [.. "{\"a\":\""u8, 0xff, 0xfe, .. "\"}"u8]));
            yield return ($"{path} UTF-16", Post(path, Encoding.Unicode.GetBytes("{\"a\":1}")));
            yield return ($"{path} deep", Post(path, Encoding.ASCII.GetBytes(new string('[', 100_000))));
            yield return ($"{path} long number", Post(path, Encoding.ASCII.GetBytes($"[{new string('9', 100_000)}]")));
            yield return ($"{path} long key", Post(path, Encoding.ASCII.GetBytes($"{{\"{new string('k', 200_000)}\":")));
        }

        foreach (string bad in Names)
        {
            yield return ($"GET {bad}", Request($"GET /namespaces/{bad}"));
            yield return ($"DELETE {bad}", Request($"DELETE /namespaces/{bad}"));
        }

        foreach (string query in (string[])
            ["limit=x", "limit=", "limit=1.5", "limit=1e9", "status=broken", "type=none", "cursor=x", "cursor=%00", "cursor=AAAA", "cursor=%ff"])
        {
            yield return ($"/jobs?{query}", Request($"GET /jobs?{query}"));
        }

        foreach (string transport in (string[])
            [
                "GET", "GET /health", "GET /health HTTP/1.1", " GET /health HTTP/1.1\r\nHost: x", "G\u0001T /health HTTP/1.1\r\nHost: x",
                "GET health HTTP/1.1\r\nHost: x", "GET /health HTTP/1.1\r\nHost: a b", "GET /health HTTP/1.1\r\nHost: x\r\nHost: y", "GET /health HTTP/1.1\r\nHost x",
                "GET /health HTTP/1.1\r\nHost: x\r\nBad Name: 1", "GET /health HTTP/1.1\r\nHost: x\r\nA: \u0000",
                $"GET /{new string('a', 20_000)} HTTP/1.1\r\nHost: x", $"GET /health HTTP/1.1\r\nHost: x\r\nA: {new string('b', 70_000)}",
                $"GET /health HTTP/1.1\r\nHost: x\r\n{string.Join("\r\n", Enumerable.Range(0, 200).Select(i => $"H{i}: 1"))}",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -1",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: x",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999999999999",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\nContent-Length: 2",
                "POST /search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 999999999",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x",
                "POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip",
            ])
        {
            yield return (transport[..Math.Min(80, transport.Length)], Encoding.Latin1.GetBytes(transport + "\r\n\r\n"));
        }
    }

    private static byte[] Request(string line) => Encoding.ASCII.GetBytes($"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    private static byte[] Post(string path, byte[] body, string type = "application/json") =>
    [
        .. Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n"),
        .. body,
    ];

    [GeneratedRegex(@"^HTTP/1\.1 4\d\d ")]
    private static partial Regex StatusLine();

    private async Task<string> SendAsync(byte[] request, CancellationToken token)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(Server.Address.Host, Server.Address.Port, token);
        await socket.GetStream().WriteAsync(request, token);
        try
        {
            using var reader = new StreamReader(socket.GetStream(), Encoding.UTF8);
            return await reader.ReadToEndAsync(token);
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    /// <summary>Heads and bodies that stop in the middle, and bodies that come a byte at a time, on many connections at once.</summary>
    private async Task LeaveHalfWayAsync(string name, CancellationToken token)
    {
        string head = $"POST /namespaces/{name}/vectors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        string[] beginnings =
        [
            "POST /namespaces/", head, head + "Content-Length: 100\r\n\r\n", head + "Content-Length: 100\r\n\r\n{\"vectors\":[{\"id\":\"a\",\"vector\":[1,2,3]}]}",
            head + "Transfer-Encoding: chunked\r\n\r\n", head + "Transfer-Encoding: chunked\r\n\r\n29\r\n{\"vectors\":[{\"id\":\"a\",\"vector\":[1,2,3]}]}\r\n",
        ];
        List<TcpClient> sockets = [];
        for (int i = 0; i < 60; i++)
        {
            var socket = new TcpClient();
            sockets.Add(socket);
            await socket.ConnectAsync(Server.Address.Host, Server.Address.Port, token);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(beginnings[i % beginnings.Length]), token);
        }

        for (int i = 0; i < 20; i++)
        {
            await Task.Delay(50, token);
            (await Api.GetAsync("/health")).AssertStatus(200);
        }

        foreach (TcpClient socket in sockets)
        {
            socket.Dispose();
        }
    }
}
