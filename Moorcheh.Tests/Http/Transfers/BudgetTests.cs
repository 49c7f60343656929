using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Moorcheh.Http;
using Moorcheh.Http.Transfers;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Transfers;

/// <summary>
/// The budget of bytes over bodies and answers, with real connections. Whatever becomes of a request, what it took is there again afterwards: the
/// budget is small enough that one request kept would show.
/// </summary>
[CancelAfter(60_000)]
public class BudgetTests
{
    private const int MaxBody = 512 << 10;
    private const int Budget = 2 * MaxBody;

    private TestServer _server = null!;

    private ApiClient Api => _server.Api;

    private ByteBudget Shared => _server.Services.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value.Transfers.Budget;

    private long Taken => Shared.Taken;

    [SetUp]
    public async Task StartServerAsync() => _server = await TestServer.StartAsync(
        http: options =>
        {
            options.MaxBodyBytes = MaxBody;
            options.MaxBytesInFlight = Budget;
            options.MinBodyBytesPerSecond = 1000;
            options.TransferGraceSeconds = 20;
        },
        map: app =>
        {
            app.MapMoorcheh();
            app.MapMoorchehArtifacts();
            app.MapMoorchehFallback();
        });

    [TearDown]
    public async Task StopServerAsync() => await _server.DisposeAsync();

    [Test]
    public async Task BudgetTaken_BothApisAnswer503_AndSmallRequestsGoOn(CancellationToken cancellationToken)
    {
        await Api.CreateAsync("notes");
        await WaitForAsync(taken => taken == 0, cancellationToken);
        const long Large = Budget - (100 << 10); // Less is left than the bodies below need, however they arrive.
        Assert.That(Shared.TryTake(Large));
        string body = $$"""{"documents":[{"id":"a","text":"{{new string('x', 400 << 10)}}"}]}""";

        ApiAnswer refused = await Api.PostAsync("/namespaces/notes/documents", body);
        ApiAnswer artifact = await Api.PostAsync("/v1/artifacts/ingest", new { artifact = "a", input = new { type = "text", value = new string('x', 400 << 10) } });

        Assert.That((refused.Status, refused.String("code"), refused.Headers.RetryAfter?.ToString()), Is.EqualTo((503, "server-busy", "1")), refused.Text);
        Assert.That(refused.String("message"), Does.Match($@"^Server is busy: requests and answers under way hold \d+ of {Budget} bytes\.$"));
        Assert.That((artifact.Status, artifact.Headers.RetryAfter?.ToString()), Is.EqualTo((503, "1")), artifact.Text);
        Assert.That(artifact.String("detail"), Does.StartWith("Server is busy: "));
        Assert.That((await Api.UploadDocumentsAsync("notes", ("b", "a small one"))).Number("successful"), Is.EqualTo(1));
        (await Api.PostAsync("/search", """{"query":"small","namespaces":["notes"]}""")).AssertStatus(200);

        Shared.Return(Large);
        await WaitForAsync(taken => taken == 0, cancellationToken);
        (await Api.PostAsync("/namespaces/notes/documents", body)).AssertStatus(202);
        await WaitForAsync(taken => taken == 0, cancellationToken);
    }

    [Test]
    public async Task RequestsThatFail_GiveBackWhatTheyTook(CancellationToken cancellationToken)
    {
        string half = new('x', MaxBody / 2);
        string large = new('x', MaxBody + 1);

        (await Api.PostAsync("/namespaces/nope/documents", $$"""{"documents":[{"id":"a","text":"{{half}}"}]}""")).AssertStatus(404);
        (await Api.PostAsync("/search", "{" + half)).AssertStatus(400);
        (await Api.PostAsync("/namespaces/nope/vectors", large)).AssertStatus(413);
        Assert.That((await Api.PostAsync("/v1/artifacts/ingest", "[" + half)).Status, Is.EqualTo(422));
        using (RawClient closed = await BeginAsync())
        {
            await WaitForAsync(taken => taken > 0, cancellationToken);
        }

        await WaitForAsync(taken => taken == 0, cancellationToken);
    }

    [Test]
    public async Task BodyOfFaults_IsToldOfTheFirst100(CancellationToken cancellationToken)
    {
        foreach (string field in new[] { "artifacts", "metadata_filter" })
        {
            var body = new { context_filter = new Dictionary<string, int[]> { [field] = new int[50_000] } };
            ApiAnswer answer = await Api.PostAsync("/v1/artifacts/content", body);
            Assert.That((answer.Status, answer["detail"].GetArrayLength()), Is.EqualTo((422, 100)));
            Assert.That(answer["detail"][99].GetProperty("loc").GetRawText(), Is.EqualTo($"""["body","context_filter","{field}",99]"""));
        }

        await WaitForAsync(taken => taken == 0, cancellationToken);
    }

    [Test]
    public async Task AnswersNobodyReads_AreRefusedBeyondTheBudget_AndComeBack(CancellationToken cancellationToken)
    {
        // Of an answer that is streamed one record is in memory, here of 256 KiB, so that only a few fit.
        await FillAsync("notes", 40, 250_000, cancellationToken);
        string ids = JsonSerializer.Serialize(new { ids = Enumerable.Range(0, 40).Select(i => $"d{i}") });
        List<RawClient> idle = [];
        try
        {
            ApiAnswer? refused = null;
            while (refused is null)
            {
                Assert.That(idle, Has.Count.LessThan(16), "the budget has no room for so many");
                RawClient client = await RawClient.ConnectAsync(_server.Address, receiveBytes: 4096);
                idle.Add(client);
                await client.PostAsync("/namespaces/notes/items/get", ids);
                string head = await client.ReadUntilAsync("\r\n\r\n", cancellationToken);
                if (head.StartsWith("HTTP/1.1 503", StringComparison.Ordinal))
                {
                    refused = await Api.PostAsync("/search", """{"query":"text","namespaces":["notes"],"top_k":40}""");
                }
            }

            Assert.That((refused.Status, refused.String("status"), refused.String("code")), Is.EqualTo((503, "failure", "server-busy")), refused.Text);
            Assert.That(refused.Headers.RetryAfter?.ToString(), Is.EqualTo("1"));
        }
        finally
        {
            idle.ForEach(client => client.Reset());
        }

        await WaitForAsync(taken => taken == 0, cancellationToken);
        ApiAnswer found = (await Api.PostAsync("/namespaces/notes/items/get", ids)).AssertStatus(200);
        Assert.That((found.Number("found_items"), found["items"].GetArrayLength()), Is.EqualTo((40L, 40)));
    }

    [Test]
    public async Task SlowBody_IsAnswered408OnBothApis(CancellationToken cancellationToken)
    {
        await using TestServer server = await TestServer.StartAsync(
            http: options =>
            {
                options.MinBodyBytesPerSecond = 100_000;
                options.TransferGraceSeconds = 1;
            },
            map: app =>
            {
                app.MapMoorcheh();
                app.MapMoorchehArtifacts();
            });
        string[] answers = await Task.WhenAll(
            DripAsync("/search", ""), DripAsync("/v1/artifacts/delete", ""), DripAsync("/namespaces", new string(' ', 500_000)));

        const string Text = "Request body came too slowly: less than 100000 bytes/s after 1 s.";
        Assert.That(answers[0], Does.StartWith("HTTP/1.1 408 ").And.Contain("Connection: close").And.EndsWith($$"""{"status":"failure","message":"{{Text}}","code":"request-timeout"}"""));
        Assert.That(answers[1], Does.StartWith("HTTP/1.1 408 ").And.EndsWith($$"""{"detail":"{{Text}}"}"""));
        Assert.That(answers[2], Does.StartWith("HTTP/1.1 408 "), "what was sent fast buys no more than the time of grace");
        Assert.That(server.Log.Entries, Has.None.Matches<(Microsoft.Extensions.Logging.LogLevel Level, string Message, Exception? Exception)>(
            entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error));

        async Task<string> DripAsync(string path, string first)
        {
            using RawClient client = await RawClient.ConnectAsync(server.Address);
            await client.PostAsync(path, "{" + first, 1_000_000);
            return await client.ReadUntilAsync("}", cancellationToken);
        }
    }

    [Test]
    public async Task BodyWithPauses_WithinTheGrace_IsTaken(CancellationToken cancellationToken)
    {
        await using TestServer server = await TestServer.StartAsync(http: options =>
        {
            options.MinBodyBytesPerSecond = 10;
            options.TransferGraceSeconds = 30;
        });
        using RawClient client = await RawClient.ConnectAsync(server.Address);
        string body = """{"namespace_name":"slow","type":"text"}""";
        await client.PostAsync("/namespaces", body[..1], body.Length);
        foreach (char c in body[1..])
        {
            await Task.Delay(20, cancellationToken); // What a client does that computes while it sends; below the server's own least rate.
            await client.SendAsync($"{c}");
        }

        Assert.That(await client.ReadUntilAsync("}", cancellationToken), Does.StartWith("HTTP/1.1 201 "));
    }

    [Test]
    public async Task ClientThatDoesNotRead_IsCutOff(CancellationToken cancellationToken)
    {
        await using TestServer server = await TestServer.StartAsync(http: options =>
        {
            options.MinAnswerBytesPerSecond = 1 << 20;
            options.TransferGraceSeconds = 5; // So long the budget is seen taken, by a test that gets no turn for seconds too.
        });
        await FillAsync("notes", 40, 250_000, cancellationToken, server);
        using RawClient client = await RawClient.ConnectAsync(server.Address, receiveBytes: 4096);
        await client.PostAsync("/namespaces/notes/items/get", JsonSerializer.Serialize(new { ids = Enumerable.Range(0, 40).Select(i => $"d{i}") }));
        MoorchehHttpOptions options = server.Services.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value;

        while (options.Transfers.Budget.Taken == 0)
        {
            await Task.Delay(10, cancellationToken);
        }

        while (options.Transfers.Budget.Taken > 0)
        {
            await Task.Delay(10, cancellationToken);
        }

        string rest = "";
        try
        {
            rest = await client.ReadToEndAsync(cancellationToken);
        }
        catch (IOException)
        {
            // Reset instead of closed.
        }

        Assert.That(rest, Does.Not.Contain("\r\n0\r\n\r\n"), "a cut answer is not whole");
    }

    [Test]
    public async Task HostThatSpeaksHttp2_BodiesAndLongAnswersWork(CancellationToken cancellationToken)
    {
        await using TestServer server = await TestServer.StartAsync(
            services: services => services.Configure<KestrelServerOptions>(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2)));
        await FillAsync("notes", 10, 250_000, cancellationToken, server);
        var request = new HttpRequestMessage(HttpMethod.Post, "/namespaces/notes/items/get")
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent("""{"ids":["d1","d2","d9"]}""", Encoding.UTF8, "application/json"),
        };

        ApiAnswer answer = (await server.Api.SendAsync(request)).AssertStatus(200);

        Assert.That(answer["items"].EnumerateArray().Sum(item => item.GetProperty("text").GetString()!.Length), Is.EqualTo(750_000));
    }

    [Test]
    public async Task SearchBody_HasALimitOfItsOwn()
    {
        await using TestServer server = await TestServer.StartAsync();

        (await server.Api.PostAsync("/search", new byte[(2 << 20) + 1])).AssertError(413, "body-too-large", "Request body is larger than 2097152 bytes.");
        (await server.Api.PostAsync("/namespaces/x/items/get", new byte[(2 << 20) + 1])).AssertError(413, "body-too-large", "Request body is larger than 2097152 bytes.");
    }

    private async Task<RawClient> BeginAsync()
    {
        RawClient client = await RawClient.ConnectAsync(_server.Address);
        await client.PostAsync("/namespaces/notes/documents", new string(' ', MaxBody - 20_000), MaxBody);
        return client;
    }

    private async Task FillAsync(string name, int items, int textBytes, CancellationToken cancellationToken, TestServer? server = null)
    {
        MoorchehStore store = (server ?? _server).Store;
        await store.CreateNamespaceAsync(name, NamespaceKind.Text, cancellationToken: cancellationToken);
        Job<UploadJobStatus> job = await store.UploadDocumentsAsync(
            name, [.. Enumerable.Range(0, items).Select(i => new Document($"d{i}", $"text {i} ".PadRight(textBytes, (char)('a' + (i % 26)))))], cancellationToken);
        await job.WaitAsync(cancellationToken);
    }

    private async Task WaitForAsync(Func<long, bool> condition, CancellationToken cancellationToken)
    {
        while (!condition(Taken))
        {
            await Task.Delay(10, cancellationToken);
        }
    }
}
