using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar;

/// <summary>What the server itself refuses, before any of our code, has a body of the API in the sidecar; and HEAD is GET without one.</summary>
[CancelAfter(120_000)]
[Platform(Exclude = "Win", Reason = "Processes are stopped by signals.")]
public class RejectedRequestTests
{
    private const string BadTarget = "Request is not valid HTTP: Invalid request target.";
    private const string LongLine = "Request line is longer than 8192 bytes.";
    private const string BigHeaders = "Request headers are larger than 32768 bytes, or more than 100.";

    private TemporaryDirectory _directory = null!;
    private SidecarProcess _sidecar = null!;

    private static IEnumerable<TestCaseData> Requests()
    {
        yield return Case("null in the path", "GET /namespaces/a%00b HTTP/1.1\r\nHost: localhost", 400, "malformed-request", BadTarget);
        yield return Case("null, artifacts", "GET /v1/artifacts/list%00?collection=x HTTP/1.1\r\nHost: localhost", 400, null, BadTarget);
        yield return Case("null, other API below a like name", "GET /v1/artifactsx%00 HTTP/1.1\r\nHost: localhost", 400, "malformed-request", BadTarget);
        yield return Case("raw bytes", "GET /namespaces/a\u00e9b HTTP/1.1\r\nHost: localhost", 400, "malformed-request", BadTarget, isUnread: true);
        yield return Case("raw bytes, artifacts", "GET /v1/artifacts/\u00ff HTTP/1.1\r\nHost: localhost", 400, "malformed-request", BadTarget, isUnread: true);
        yield return Case("long address", $"GET /namespaces/{new string('n', 9000)} HTTP/1.1\r\nHost: localhost", 414, "uri-too-long", LongLine, isUnread: true);
        yield return Case("long header", $"GET /health HTTP/1.1\r\nHost: localhost\r\nA: {new string('b', 40_000)}", 431, "headers-too-large", BigHeaders);
        yield return Case("long header, artifacts", $"GET /v1/artifacts/list HTTP/1.1\r\nHost: localhost\r\nA: {new string('b', 40_000)}", 431, null, BigHeaders);
        yield return Case(
            "many headers", $"GET /health HTTP/1.1\r\nHost: localhost\r\n{string.Join("\r\n", Enumerable.Range(0, 200).Select(i => $"H{i}: 1"))}", 431, "headers-too-large", BigHeaders);
        yield return Case("version", "GET /health HTTP/9.9\r\nHost: localhost", 505, "unsupported-http-version", "HTTP version is not supported; use HTTP/1.1.", isUnread: true);
        yield return Case("no host", "GET /health HTTP/1.1", 400, "malformed-request", "Request is not valid HTTP: Request is missing Host header.");
        yield return Case("bad header", "GET /health HTTP/1.1\r\nHost: localhost\r\nBad Name: 1", 400, "malformed-request", "Request is not valid HTTP: Invalid request header.");
        yield return Case(
            "transfer coding", "POST /namespaces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip", 400, "malformed-request",
            "Request is not valid HTTP: The message body length cannot be determined because the final transfer coding was set to 'gzip' instead of 'chunked'.");
        yield return Case("star", "GET * HTTP/1.1\r\nHost: localhost", 405, "method-not-allowed", "Method is not allowed for this form of request target.", isUnread: true);

        static TestCaseData Case(string name, string request, int status, string? code, string message, bool isUnread = false) =>
            new TestCaseData(request, status, code is null ? $$"""{"detail":"{{message}}"}""" : $$"""
                {"status":"failure","message":"{{message}}","code":"{{code}}"{{(isUnread && status != 405 ? $",\"detail\":\"{message}\"" : "")}}}
                """).SetArgDisplayNames(name);
    }

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new TemporaryDirectory();
        _sidecar = await SidecarProcess.StartAsync(_directory.Path, "--embedding-provider", "none");
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _sidecar.DisposeAsync();
        _directory.Dispose();
    }

    [TestCaseSource(nameof(Requests))]
    public async Task Request_TheServerCannotRead_HasAnErrorBody(string request, int status, string body)
    {
        RawAnswer answer = await SendAsync(request);

        answer.AssertIs(status, body);
        Assert.That(answer.Head, Does.Contain("Connection: close"));
        (await _sidecar.Api.GetAsync("/livez")).AssertStatus(200);
    }

    [Test]
    public async Task Search_TheServerCannotRead_HasTheStatusOfSearch() => (await SendAsync("POST /search HTTP/1.1")).AssertIs(
        400, """{"status":"error","message":"Request is not valid HTTP: Request is missing Host header.","code":"malformed-request"}""");

    /// <summary>Answers before it on the same connection stay as they are.</summary>
    [Test]
    public async Task Request_AfterGoodOnes_ChangesItsOwnAnswerOnly()
    {
        const string Good = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

        List<RawAnswer> answers = await RawHttp.SendAllAsync(_sidecar.Api.Http.BaseAddress!, $"{Good}{Good}GET /v1/artifacts/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n{Good}");

        Assert.That(answers, Has.Count.EqualTo(3));
        answers[0].AssertIs(200, """{"status":"ok"}""");
        answers[1].AssertIs(200, """{"status":"ok"}""");
        answers[2].AssertIs(400, $$"""{"detail":"{{BadTarget}}"}""");
    }

    [TestCase("/livez")]
    [TestCase("/readyz")]
    [TestCase("/namespaces")]
    [TestCase("/namespaces/nope")]
    [TestCase("/namespaces/nope/documents/fetch-text-data")]
    [TestCase("/namespaces/nope/upload-jobs/job-1")]
    [TestCase("/namespaces/nope/delete-jobs/job-1")]
    [TestCase("/jobs")]
    [TestCase("/jobs/job-1")]
    [TestCase("/jobs?limit=x")]
    [TestCase("/openapi/v1.json")]
    [TestCase("/nope")]
    [TestCase("/search")]
    [TestCase("/v1/artifacts/list?collection=x")]
    [TestCase("/v1/artifacts/list")]
    [TestCase("/v1/artifacts/ingest/async/x")]
    [TestCase("/v1/artifacts/delete/async/x")]
    [TestCase("/v1/artifacts/ingest")]
    [TestCase("/v1/artifacts/nope")]
    public async Task Head_IsGetWithoutItsBody(string path)
    {
        RawAnswer get = await SendAsync($"GET {path} HTTP/1.1\r\nHost: localhost");
        RawAnswer head = await SendAsync($"HEAD {path} HTTP/1.1\r\nHost: localhost");

        Assert.That((head.Status, head.Length, head.ContentType, head.Body), Is.EqualTo((get.Status, get.Length, get.ContentType, "")));
        Assert.That(get.Body, Has.Length.EqualTo(get.Length));
    }

    /// <summary>Their text has times and free bytes in it, so that two requests need not agree in length.</summary>
    [TestCase("/health")]
    [TestCase("/metrics")]
    public async Task Head_OfWhatChangesByItself_HasNoBody(string path)
    {
        RawAnswer get = await SendAsync($"GET {path} HTTP/1.1\r\nHost: localhost");
        RawAnswer head = await SendAsync($"HEAD {path} HTTP/1.1\r\nHost: localhost");

        Assert.That((head.Status, head.ContentType, head.Body), Is.EqualTo((get.Status, get.ContentType, "")));
        Assert.That(get.Body, Has.Length.EqualTo(get.Length));
    }

    private Task<RawAnswer> SendAsync(string head) => RawHttp.SendAsync(_sidecar.Api.Http.BaseAddress!, $"{head}\r\nConnection: close\r\n\r\n");
}
