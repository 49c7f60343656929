using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar;

/// <summary>
/// Which hosts a sidecar without keys serves. The invariant: a name that anybody could make lead to this machine is refused before anything of
/// the request is looked at, whatever form it is sent in.
/// </summary>
[CancelAfter(120_000)]
[Platform(Exclude = "Win", Reason = "Processes are stopped by signals.")]
public class SidecarHostTests
{
    private const string Origin = "https://app.example";
    private const string Served = "localhost, *.localhost, 127.0.0.0/8, [::1] and the hosts of the setting AllowedHosts";

    private TemporaryDirectory _directory = null!;
    private SidecarProcess _sidecar = null!;

    private Uri Address => _sidecar.Api.Http.BaseAddress!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _directory = new TemporaryDirectory();
        _sidecar = await SidecarProcess.StartAsync(
            _directory.Path, "--embedding-provider", "none", "--allowed-origins", Origin, "--allowed-hosts", "own.example,*.inside.example,münchen.example,[fd00::7],10.0.0.7");
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _sidecar.DisposeAsync();
        _directory.Dispose();
    }

    [TestCase("localhost")]
    [TestCase("localhost:8080")]
    [TestCase("LocalHost:1")]
    [TestCase("localhost.")]
    [TestCase("localhost.:8080")]
    [TestCase("moorcheh.localhost:8080")]
    [TestCase("127.0.0.1")]
    [TestCase("127.255.3.4:99")]
    [TestCase("[::1]")]
    [TestCase("[::1]:8080")]
    [TestCase("[0:0:0:0:0:0:0:1]")]
    [TestCase("[::ffff:127.0.0.1]:8080")]
    [TestCase("own.example:8080")]
    [TestCase("OWN.example.")]
    [TestCase("a.b.inside.example")]
    [TestCase("xn--mnchen-3ya.example")]
    [TestCase("[fd00::7]:8080")]
    [TestCase("10.0.0.7")]
    [TestCase("")]
    public async Task Host_OfThisMachineOrAllowed_IsServed(string host) => (await GetAsync("/livez", host)).AssertIs(200, """{"status":"ok"}""");

    [TestCase("evil.example", "evil.example")]
    [TestCase("evil.example:8080", "evil.example")]
    [TestCase("evil.example.", "evil.example.")]
    [TestCase("localhost.evil.example", "localhost.evil.example")]
    [TestCase("evillocalhost", "evillocalhost")]
    [TestCase("127.0.0.1.evil.example", "127.0.0.1.evil.example")]
    [TestCase("inside.example", "inside.example")]
    [TestCase("notown.example", "notown.example")]
    [TestCase("0.0.0.0:8080", "0.0.0.0")]
    [TestCase("192.168.0.1", "192.168.0.1")]
    [TestCase("126.255.255.255", "126.255.255.255")]
    [TestCase("[::2]:8080", "[::2]")]
    [TestCase("[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]")]
    [TestCase("localhost..", "localhost..")]
    [TestCase("xn--a", "xn--a")]
    [TestCase("xn--99999999999.example", "xn--99999999999.example")]
    public async Task Host_OfOthers_IsRefused(string host, string shown)
    {
        (await GetAsync("/livez", host)).AssertIs(421, Refusal(shown));
        (await GetAsync("/v1/artifacts/list?collection=x", host)).AssertIs(421, $$"""{"detail":"Host '{{shown}}' is not served here. Served are {{Served}}."}""");
    }

    [Test]
    public async Task Target_ThatIsAWholeAddress_CountsWithItsHost()
    {
        (await SendAsync("GET http://localhost:8080/livez HTTP/1.1\r\nHost: localhost:8080")).AssertIs(200, """{"status":"ok"}""");
        (await SendAsync("GET http://evil.example/livez HTTP/1.1\r\nHost: evil.example")).AssertIs(421, Refusal("evil.example"));
        (await SendAsync("GET http://evil.example/livez HTTP/1.0")).AssertIs(421, Refusal("evil.example"));
        (await SendAsync("GET /livez HTTP/1.0")).AssertIs(200, """{"status":"ok"}""");
        (await SendAsync("GET http://localhost/livez HTTP/1.1\r\nHost: evil.example")).AssertIs(
            400, """{"status":"failure","message":"Request is not valid HTTP: Invalid Host header.","code":"malformed-request"}""");
        (await SendAsync("OPTIONS * HTTP/1.1\r\nHost: evil.example")).AssertIs(421, Refusal("evil.example"));
    }

    /// <summary>Neither route nor method, type, size or body of the request matter.</summary>
    [TestCase("GET /nope HTTP/1.1")]
    [TestCase("PUT /health HTTP/1.1")]
    [TestCase("POST /search HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx")]
    [TestCase("POST /namespaces HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 999999999")]
    [TestCase("POST /namespaces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx")]
    public async Task Host_IsLookedAtBeforeAnythingElse(string request)
    {
        int end = request.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        (string head, string body) = end < 0 ? (request, "") : (request[..end], request[(end + 4)..]);

        RawAnswer answer = await RawHttp.SendAsync(Address, $"{head}\r\nHost: evil.example\r\nConnection: close\r\n\r\n{body}");

        answer.AssertIs(421, Refusal("evil.example"));
    }

    [Test]
    public async Task Cors_IsAsBefore()
    {
        const string Question = "OPTIONS /namespaces HTTP/1.1\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST";
        using HttpResponseMessage preflight = await _sidecar.Api.Http.SendAsync(Preflight());
        Assert.That((int)preflight.StatusCode, Is.EqualTo(204));
        Assert.That(preflight.Headers.GetValues("Access-Control-Allow-Origin"), Is.EqualTo(new[] { Origin }));

        RawAnswer refused = await SendAsync($"{Question}\r\nHost: evil.example");
        refused.AssertIs(421, Refusal("evil.example"));
        Assert.That(refused.Head, Does.Not.Contain("Access-Control"));

        static HttpRequestMessage Preflight()
        {
            var question = new HttpRequestMessage(HttpMethod.Options, "/namespaces");
            question.Headers.Add("Origin", Origin);
            question.Headers.Add("Access-Control-Request-Method", "POST");
            return question;
        }
    }

    [Test]
    public async Task WithAKey_EveryHostIsServed_AndTheKeyDecides()
    {
        using var directory = new TemporaryDirectory();
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(directory.Path, "--embedding-provider", "none", "--api-keys", "secret");

        RawAnswer without = await RawHttp.SendAsync(sidecar.Api.Http.BaseAddress!, "GET /health HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n");
        RawAnswer with = await RawHttp.SendAsync(sidecar.Api.Http.BaseAddress!, "GET /health HTTP/1.1\r\nHost: any.example\r\nx-api-key: secret\r\nConnection: close\r\n\r\n");

        Assert.That((without.Status, with.Status), Is.EqualTo((401, 200)));
    }

    private static string Refusal(string host) =>
        $$"""{"status":"failure","message":"Host '{{host}}' is not served here.","code":"unknown-host"}""";

    private Task<RawAnswer> GetAsync(string path, string host) => SendAsync($"GET {path} HTTP/1.1\r\nHost: {host}");

    private Task<RawAnswer> SendAsync(string head) => RawHttp.SendAsync(Address, $"{head}\r\nConnection: close\r\n\r\n");
}
