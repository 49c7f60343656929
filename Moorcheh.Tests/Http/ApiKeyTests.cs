using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Step 28 of the acceptance sequence.</summary>
public class ApiKeyTests : ServerFixture
{
    private const string Key = "right-key";

    private protected override Task<TestServer> StartAsync() => TestServer.StartAsync(http: options => options.ApiKeys = [Key, "other-key"]);

    [TestCase("GET", "/health", null, null)]
    [TestCase("GET", "/health", "x-api-key", "wrong")]
    [TestCase("GET", "/health", "x-api-key", "")]
    [TestCase("GET", "/health", "x-api-key", Key + "x")]
    [TestCase("GET", "/health", "Authorization", "Bearer wrong")]
    [TestCase("GET", "/health", "Authorization", Key)]
    [TestCase("GET", "/health", "Authorization", "Basic " + Key)]
    [TestCase("GET", "/nope", null, null)]
    [TestCase("PUT", "/health", null, null)]
    [TestCase("POST", "/search", null, null)]
    [TestCase("POST", "/answer", null, null)]
    [TestCase("GET", "/metrics", null, null)]
    public async Task Step28_NoOrWrongKey_IsUnauthorized(string method, string path, string? header, string? value)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }

        ApiAnswer answer = await Api.SendAsync(request);

        answer.AssertError(401, "unauthorized", "Missing or invalid API key.");
        Assert.That(answer.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Bearer"));
    }

    [TestCase("x-api-key", Key)]
    [TestCase("X-API-Key", "other-key")]
    [TestCase("Authorization", "Bearer " + Key)]
    [TestCase("Authorization", "bearer other-key")]
    public async Task Step28_RightKey_Passes(string header, string value)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/health");
        request.Headers.TryAddWithoutValidation(header, value);

        (await Api.SendAsync(request)).AssertStatus(200);
    }

    [TestCase("/livez")]
    [TestCase("/readyz")]
    public async Task Step28_Probes_NeedNoKey(string path) => (await Api.GetAsync(path)).AssertStatus(200);

    [Test]
    public async Task WithoutKeys_HeadersAreIgnored()
    {
        await using TestServer server = await TestServer.StartAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, "/health");
        request.Headers.TryAddWithoutValidation("x-api-key", "anything");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer anything");

        (await server.Api.SendAsync(request)).AssertStatus(200);
    }
}
