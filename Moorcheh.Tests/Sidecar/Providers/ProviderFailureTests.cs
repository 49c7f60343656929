using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar.Providers;

/// <summary>Whatever a provider answers, the job ends and its items say why, in the provider's words. One sidecar a provider serves all cases.</summary>
[CancelAfter(60_000)]
internal sealed class ProviderFailureTests
{
    private const string Key = "sk-Zebra0123456789QUAGGA";

    private static readonly string[] Names = ["ollama", "openai", "cohere"];
    private static readonly (string, string)[] Texts = [("fox", "the red fox runs"), ("frog", "a green frog sits"), ("whale", "blue whales sing")];

    private readonly Dictionary<string, FakeProvider> _servers = [];
    private readonly Dictionary<string, SidecarInProcess> _sidecars = [];
    private int _namespaces;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        foreach (string name in Names)
        {
            FakeProvider server = _servers[name] = await FakeProvider.StartAsync();
            _sidecars[name] = await SidecarInProcess.StartAsync(
                "--embedding-provider", name, "--embedding-model", "m", "--embedding-base-url", name == "openai" ? $"{server.Url}/v1" : server.Url,
                "--embedding-api-key", Key, "--embed-attempts", "1");

            // The length of the vectors is known from here on.
            await _sidecars[name].Api.CreateAsync("known");
            await _sidecars[name].Api.UploadDocumentsAsync("known", Texts);
        }
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        foreach (string name in Names)
        {
            await _sidecars[name].DisposeAsync();
            await _servers[name].DisposeAsync();
        }
    }

    private static IEnumerable<TestCaseData> Failures()
    {
        const string Html = "<html><body>Bad gateway</body></html>";
        string endless = new('x', 5000);
        byte[] notANumber = new byte[4 * FakeProvider.Dimension];
        BitConverter.TryWriteBytes(notANumber, float.NaN);
        string nan = Convert.ToBase64String(notANumber);
        yield return Case("error", "ollama", 500, """{"error":"llama runner has terminated"}""", "ollama answered 500: llama runner has terminated", 4);
        yield return Case("model", "ollama", 404, """{"error":"model \"m\" not found, try pulling it first"}""", "ollama answered 404: model \"m\" not found, try pulling it first", 1);
        yield return Case("key", "openai", 401, $$$"""{"error":{"message":"Incorrect API key provided: {{{Key}}}.","code":"invalid_api_key"}}""", "openai answered 401: Incorrect API key provided: ***", 1);
        yield return Case("token", "cohere", 401, """{"id":"1","message":"invalid api token"}""", "cohere answered 401: invalid api token", 1);
        yield return Case("busy", "cohere", 429, """{"message":"Please wait"}""", "cohere answered 429: Please wait", 1);
        yield return Case("page", "openai", 502, Html, "openai answered 502: BadGateway", 1);
        yield return Case("nothing", "ollama", 404, "", "ollama answered 404: check EmbeddingBaseUrl and EmbeddingModel", 1);
        yield return Case("long", "openai", 400, endless, $"openai answered 400: {endless[..279]}…", 4);
        yield return Case("long key", "openai", 400, $"{endless[..270]} {Key}", $"openai answered 400: {endless[..270]} ***", 4);
        yield return Case("lines", "ollama", 500, """{"error":"a\nb\u0000c"}""", "ollama answered 500: a b c", 4);
        yield return Case("half", "ollama", 200, """{"embeddings":[[1,""", "the answer of ollama cannot be read: ", 4);
        yield return Case("half", "openai", 200, """{"data":[""", "the answer of openai cannot be read: ", 4);
        yield return Case("half", "cohere", 200, """{"embeddings":{"float":[[1]""", "the answer of cohere cannot be read: ", 4);
        yield return Case("null", "cohere", 200, """{"embeddings":null}""", "the answer of cohere cannot be read: it has no 'embeddings.float'", 4);
        yield return Case("fewer", "ollama", 200, """{"embeddings":[]}""", "the generator gave 0 vectors for 1 texts", 4);
        yield return Case("fewer", "openai", 200, """{"data":[]}""", "the generator gave 0 vectors for 1 texts", 4);
        yield return Case("fewer", "cohere", 200, """{"embeddings":{"float":[]}}""", "the answer of cohere cannot be read: it has 0 vectors for 1 texts", 4);
        yield return Case("no vector", "cohere", 200, """{"embeddings":{"float":[null]}}""", "the generator gave a vector of 0 values", 4);
        yield return Case("infinite", "ollama", 200, $"{{\"embeddings\":[[1e999{string.Concat(Enumerable.Repeat(",1", 31))}]]}}", "the generator gave a vector with a value that is not finite", 4);
        yield return Case("NaN", "openai", 200, $"{{\"data\":[{{\"index\":0,\"embedding\":\"{nan}\"}}]}}", "the generator gave a vector with a value that is not finite", 4);

        static TestCaseData Case(string name, string provider, int status, string body, string words, int requests) =>
            new TestCaseData(provider, status, body, words, requests).SetArgDisplayNames(provider, name);
    }

    [TestCaseSource(nameof(Failures))]
    public async Task Upload_ProviderFails_ItemsSayWhyAndTheJobEnds(string provider, int status, string body, string words, int requests)
    {
        FakeProvider server = _servers[provider];
        ApiClient api = _sidecars[provider].Api;
        string name = $"docs{_namespaces++}";
        await api.CreateAsync(name);
        int before = server.Requests.Count;
        server.AnswerAll(status, body);

        ApiAnswer job = await api.UploadDocumentsAsync(name, Texts);

        Assert.That((job.String("status"), job.Number("failed")), Is.EqualTo(("completed", 3L)));
        Assert.That(job.String("last_error"), Does.StartWith($"Document 2 ('whale'): embedding failed: {words}").And.EndsWith("."));
        Assert.That(server.Requests.Count - before, Is.EqualTo(requests), "what is refused for every text is not asked for each");
    }
}
