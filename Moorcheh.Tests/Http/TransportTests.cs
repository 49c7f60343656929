using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Moorcheh.Http;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Step 18 of the acceptance sequence: what every route shares, before any field is looked at.</summary>
public class TransportTests : ServerFixture
{
    private const int SmallBody = 100_000;

    private protected override Task<TestServer> StartAsync() => TestServer.StartAsync(http: options => options.MaxBodyBytes = SmallBody);

    [Test]
    public async Task Step18_BrokenJson_NamesThePlace()
    {
        string name = await NewNamespaceAsync();

        (await Api.PostAsync($"/namespaces/{name}/documents", "{\"documents\":x}"u8.ToArray())).AssertError(
            400, "invalid-json", "Request body is not valid JSON (line 1, byte 14).");
        (await Api.PostAsync($"/namespaces/{name}/documents", "{\n\"documents\":[\n}"u8.ToArray())).AssertError(
            400, "invalid-json", "Request body is not valid JSON (line 3, byte 1).");
        (await Api.PostAsync($"/namespaces/{name}/documents", [])).AssertError(400, "invalid-json", "Request body is missing.");
    }

    [Test]
    public async Task Step18_JsonComesBeforeTheNamespace_AndTheContentTypeBeforeBoth()
    {
        (await Api.PostAsync("/namespaces/nope/documents", "{"u8.ToArray())).AssertError(400, "invalid-json", "Request body is not valid JSON (line 1, byte 2).");
        (await Api.PostAsync("/namespaces/nope/documents", "{"u8.ToArray(), "text/plain")).AssertError(
            415, "unsupported-content-type", "Content-Type 'text/plain' is not supported; send 'application/json'.");
        (await Api.PostAsync("/namespaces/nope/documents", new byte[SmallBody + 1], "text/plain")).AssertStatus(415);
        (await Api.PostAsync("/namespaces/nope/documents", new byte[SmallBody + 1])).AssertStatus(413);
    }

    [TestCase("text/plain; charset=utf-8", "Content-Type 'text/plain' is not supported; send 'application/json'.")]
    [TestCase("application/x-www-form-urlencoded", "Content-Type 'application/x-www-form-urlencoded' is not supported; send 'application/json'.")]
    [TestCase("application/jsonx", "Content-Type 'application/jsonx' is not supported; send 'application/json'.")]
    [TestCase(null, "Content-Type is missing; send 'application/json'.")]
    public async Task Step18_OtherContentTypes_AreRefused(string? contentType, string message) =>
        (await Api.PostAsync("/namespaces", "{}"u8.ToArray(), contentType)).AssertError(415, "unsupported-content-type", message);

    [TestCase("application/json")]
    [TestCase("application/json; charset=utf-8")]
    [TestCase("Application/JSON;charset=UTF-8")]
    [TestCase("application/vnd.api+json")]
    public async Task Step18_JsonContentTypes_AreTaken(string contentType) =>
        (await Api.PostAsync("/namespaces", "{}"u8.ToArray(), contentType)).AssertError(400, "missing-field", "Field 'namespace_name' is required.");

    [TestCase("GET", "/nope", "No route GET /nope.")]
    [TestCase("POST", "/", "No route POST /.")]
    [TestCase("GET", "/namespaces/a/b/c/d/e", "No route GET /namespaces/a/b/c/d/e.")]
    [TestCase("POST", "/namespaces//documents", "No route POST /namespaces//documents.")]
    [TestCase("GET", "/caf%C3%A9", "No route GET /café.")]
    [TestCase("DELETE", "/namespaces/x/documents/y?z=1", "No route DELETE /namespaces/x/documents/y.")]
    public async Task Step18_UnknownRoute_IsNotFound(string method, string path, string message) =>
        (await Api.SendAsync(new HttpRequestMessage(new HttpMethod(method), path))).AssertError(404, "unknown-route", message);

    [TestCase("PUT", "/health", "GET, HEAD", "Method PUT is not allowed on /health; use GET.")]
    [TestCase("OPTIONS", "/health", "GET, HEAD", "Method OPTIONS is not allowed on /health; use GET.")]
    [TestCase("PATCH", "/namespaces/x", "GET, HEAD, DELETE", "Method PATCH is not allowed on /namespaces/x; use GET or DELETE.")]
    [TestCase("GET", "/namespaces/x/vectors", "POST", "Method GET is not allowed on /namespaces/x/vectors; use POST.")]
    [TestCase("POST", "/livez", "GET, HEAD", "Method POST is not allowed on /livez; use GET.")]
    [TestCase("DELETE", "/answer", "POST", "Method DELETE is not allowed on /answer; use POST.")]
    public async Task Step18_OtherMethods_AreNotAllowed(string method, string path, string allow, string message)
    {
        ApiAnswer answer = await Api.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        answer.AssertError(405, "method-not-allowed", message);
        Assert.That(string.Join(", ", answer.ContentHeaders.Allow), Is.EqualTo(allow));
    }

    [Test]
    public async Task Step18_BodyOverTheLimit_IsTooLarge()
    {
        string name = await NewNamespaceAsync();
        byte[] body = new byte[SmallBody + 1];

        (await Api.PostAsync($"/namespaces/{name}/documents", body)).AssertError(413, "body-too-large", $"Request body is larger than {SmallBody} bytes.");
        (await Api.PostAsync($"/namespaces/{name}/documents", new byte[SmallBody])).AssertStatus(400);
    }

    [Test]
    public async Task Step18_ChunkedBodyOverTheLimit_IsTooLarge()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/namespaces") { Content = new StreamContent(new MemoryStream(new byte[SmallBody * 2])) };
        request.Headers.TransferEncodingChunked = true;
        request.Content.Headers.ContentType = new("application/json");

        (await Api.SendAsync(request)).AssertError(413, "body-too-large", $"Request body is larger than {SmallBody} bytes.");
    }

    [Test]
    public async Task Step18_ClientWaitsForContinue_IsToldBeforeItSends()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/namespaces") { Content = new ByteArrayContent(new byte[SmallBody * 4]) };
        request.Headers.ExpectContinue = true;
        request.Content.Headers.ContentType = new("application/json");

        (await Api.SendAsync(request)).AssertError(413, "body-too-large", $"Request body is larger than {SmallBody} bytes.");
    }

    [Test]
    public async Task Step18_BodyOfSixtyFourMebibytesAndOne_IsTooLargeByDefault()
    {
        await using TestServer server = await TestServer.StartAsync();

        ApiAnswer answer = await server.Api.PostAsync("/namespaces/x/documents", new byte[(64 << 20) + 1]);

        answer.AssertError(413, "body-too-large", "Request body is larger than 67108864 bytes.");
        Assert.That((await server.Api.GetAsync("/health")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Step18_ChunkedBodyCutShort_EndsTheConnectionOnly()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(Server.Address.Host, Server.Address.Port);
        NetworkStream stream = socket.GetStream();
        await stream.WriteAsync("POST /namespaces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"u8.ToArray());

        using var reader = new StreamReader(stream, Encoding.UTF8);
        string answer = await reader.ReadToEndAsync();

        Assert.That(answer, Does.StartWith("HTTP/1.1 400"));
        Assert.That((await Api.GetAsync("/health")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task BodyOnGetAndDelete_IsIgnored()
    {
        var get = new HttpRequestMessage(HttpMethod.Get, "/health") { Content = new StringContent("not json") };
        var delete = new HttpRequestMessage(HttpMethod.Delete, "/namespaces/nope") { Content = new StringContent("not json") };

        (await Api.SendAsync(get)).AssertStatus(200);
        (await Api.SendAsync(delete)).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
    }

    [TestCase("POST", "/answer")]
    [TestCase("POST", "/namespaces/x/files")]
    [TestCase("GET", "/namespaces/x/files")]
    [TestCase("GET", "/namespaces/x/files/y")]
    [TestCase("POST", "/namespaces/x/files/delete")]
    [TestCase("GET", "/namespaces/x/file-jobs/y")]
    [TestCase("POST", "/namespaces/x/items/list")]
    [TestCase("GET", "/jobs/x/events")]
    [TestCase("GET", "/openapi/v1.json")]
    public async Task LaterRoutes_AreNotOffered(string method, string path) => (await Api.SendAsync(new HttpRequestMessage(new HttpMethod(method), path)))
        .AssertError(501, "not-offered", $"This build does not offer {method} {path}.");

    [Test]
    public async Task Probes_AnswerWhenReady()
    {
        Assert.That((await Api.GetAsync("/livez")).AssertStatus(200).Text, Is.EqualTo("""{"status":"ok"}"""));
        Assert.That((await Api.GetAsync("/readyz")).AssertStatus(200).Text, Is.EqualTo("""{"status":"ready"}"""));
    }

    [Test]
    public async Task Defect_GivesAReferenceThatIsInTheLog()
    {
        // Filters run inside the gate, so that this one stands for a handler with a mistake.
        await using TestServer server = await TestServer.StartAsync(map: app =>
        {
            app.MapMoorcheh().AddEndpointFilter((_, _) => throw new ArgumentException("secret detail"));
        });

        ApiAnswer answer = await server.Api.GetAsync("/health");

        answer.AssertStatus(500);
        Assert.That(answer.Text, Does.Match("""^\{"status":"failure","message":"Internal error, reference [0-9a-f]{32}\.","code":"internal-error"\}$"""));
        string reference = answer.String("message")!.Split(' ')[^1].TrimEnd('.');
        Assert.That(server.Log.Entries, Has.Some.Matches<(Microsoft.Extensions.Logging.LogLevel, string Message, Exception? Exception)>(
            entry => entry.Message.Contains(reference, StringComparison.Ordinal) && entry.Exception is ArgumentException));
    }
}
