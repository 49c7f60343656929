using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Moorcheh.Http;
using Moorcheh.Tests.Http.Artifacts;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Transfers;

/// <summary>
/// Long answers are written while they are sent. They say the same as the library, character by character, and what they began to say they finish,
/// whatever is changed meanwhile. The texts: 20 of 100,000 to 300,000 bytes with characters of 1 to 4 bytes and escapes at every place, so that parts
/// of a text end inside of them.
/// </summary>
[CancelAfter(60_000)]
public class StreamedAnswerTests
{
    private const int Count = 20;

    private static readonly string[] Alphabet = ["a", "ä", "€", "😀", "\"", "\\", "\n", "\u0001", " "];

    private static readonly Document[] Documents = Make(seed: 11);

    private TestServer _server = null!;

    private ApiClient Api => _server.Api;

    [SetUp]
    public async Task StartServerAsync()
    {
        _server = await ArtifactServer.StartAsync();
        await _server.Store.CreateNamespaceAsync("notes", NamespaceKind.Text);
        await _server.Store.StoreAsync("notes", Documents);
    }

    [TearDown]
    public async Task StopServerAsync() => await _server.DisposeAsync();

    [Test]
    public async Task ItemsGet_LongTexts_AreWhole()
    {
        string[] ids = [.. Documents.Select(document => document.Id), "none", "d3"];

        ApiAnswer answer = (await Api.PostAsync("/namespaces/notes/items/get", new { ids })).AssertStatus(200);

        Assert.That(answer.Keys(), Is.EqualTo(new[] { "status", "message", "requested_ids", "found_items", "items" }));
        Assert.That((answer.Number("requested_ids"), answer.Number("found_items")), Is.EqualTo((Count + 2L, (long)Count)));
        AssertItems(answer["items"], Documents);
    }

    [Test]
    public async Task Search_LongTexts_AreThoseOfTheLibrary()
    {
        SearchResult expected = await _server.Store.SearchAsync(new SearchRequest("notes", "text") { TopK = Count });

        ApiAnswer answer = (await Api.PostAsync("/search", new { query = "text", namespaces = new[] { "notes" }, top_k = Count })).AssertStatus(200);
        ApiAnswer filtered = (await Api.PostAsync("/search", new { query = "text", namespaces = new[] { "notes" }, top_k = Count, metadata = new { even = true } })).AssertStatus(200);

        Assert.That(answer["results"].EnumerateArray().Select(hit => (hit.GetProperty("id").GetString(), hit.GetProperty("text").GetString(), hit.GetProperty("score").GetDouble())),
            Is.EqualTo(expected.Hits.Select(hit => (hit.Id, hit.Text, hit.Score))));
        Assert.That(answer["results"].EnumerateArray().Select(hit => hit.GetProperty("metadata").GetRawText()), Is.EqualTo(expected.Hits.Select(hit => hit.Metadata.ToString())));
        Assert.That(
            filtered["results"].EnumerateArray().Select(hit => hit.GetProperty("id").GetString()),
            Is.EqualTo(expected.Hits.Where(hit => hit.Metadata.ToElement().GetProperty("even").GetBoolean()).Select(hit => hit.Id)));
    }

    [Test]
    public async Task FetchTextData_PagesOfLongTexts_AreWhole()
    {
        List<JsonElement> items = [];
        string? token = null;
        do
        {
            ApiAnswer page = (await Api.GetAsync($"/namespaces/notes/documents/fetch-text-data?limit=7{(token is null ? "" : $"&next_token={token}")}")).AssertStatus(200);
            items.AddRange(page["items"].EnumerateArray());
            Assert.That(page["statistics"].GetProperty("total_items").GetInt32(), Is.EqualTo(page["items"].GetArrayLength()));
            token = page["pagination"].GetProperty("next_token").GetString();
        }
        while (token is not null);

        Assert.That(
            items.Select(item => (item.GetProperty("id").GetString(), item.GetProperty("text").GetString())),
            Is.EqualTo(Documents.OrderBy(document => document.Id, StringComparer.Ordinal).Select(document => (document.Id, document.Text))));
    }

    [Test]
    public async Task Content_LongArtifacts_AreWhole_AndTooLongOnesRefusedBeforeTheFirstByte()
    {
        string[] texts = ["first " + Documents[0].Text + "\r\n\n", "second " + Documents[1].Text];
        await Api.IngestTextAsync("docs", "a", texts[0]);
        await Api.IngestTextAsync("docs", "b", texts[1]);
        var filter = new { collection = "docs" };

        ApiAnswer markdown = await Api.PostAsync("/v1/artifacts/content", new { context_filter = filter });
        ApiAnswer tree = await Api.PostAsync("/v1/artifacts/content", new { context_filter = filter, format = "object" });
        ApiAnswer chunked = await Api.PostAsync("/v1/artifacts/chunked-content", new { context_filter = filter, max_tokens = 5000 });

        Assert.That((markdown.Status, tree.Status, chunked.Status), Is.EqualTo((200, 200, 200)));
        Assert.That(
            markdown["data"].EnumerateArray().Select(entry => entry.GetProperty("content").GetString()),
            Is.EqualTo(texts.Select(text => text.TrimEnd('\r', '\n') + "\n\n")));
        Assert.That(
            tree["data"].EnumerateArray().Select(entry => string.Concat(entry.GetProperty("content").GetProperty("children").EnumerateArray().Select(child => child.GetProperty("content").GetString()))),
            Is.EqualTo(texts));
        Assert.That(
            chunked["data"].EnumerateArray().GroupBy(entry => entry.GetProperty("artifact_id").GetString(), entry => entry.GetProperty("content")[1].GetProperty("text").GetString())
                .Select(parts => string.Concat(parts)),
            Is.EqualTo(texts));
        Assert.That(
            chunked["data"].EnumerateArray().Select(entry => entry.GetProperty("content")[0].GetProperty("sources")[0].GetProperty("text").GetString()),
            Is.EqualTo(chunked["data"].EnumerateArray().Select(entry => entry.GetProperty("content")[1].GetProperty("text").GetString())));

        Options.MaxContentBytes = 200_000;
        ApiAnswer tooLong = await Api.PostAsync("/v1/artifacts/content", new { context_filter = filter });
        Assert.That((tooLong.Status, tooLong.Text), Is.EqualTo((413, """{"detail":"Artifact content exceeds the configured response size limit"}""")));
        Assert.That(Options.Transfers.Budget.Taken, Is.Zero);
    }

    [Test]
    public async Task ItemsReplacedAndDeleted_WhileTheyAreSent_AreSentAsTheyWere(CancellationToken cancellationToken)
    {
        // No checkpoint: it would not wait.
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Storage.CheckpointInterval = TimeSpan.FromSeconds(3600));
        await server.Store.CreateNamespaceAsync("notes", NamespaceKind.Text, cancellationToken: cancellationToken);
        await server.Store.StoreAsync("notes", Documents);
        using RawClient items = await BeginAsync(server, "/namespaces/notes/items/get", new { ids = Documents.Select(document => document.Id) }, cancellationToken);
        using RawClient search = await BeginAsync(server, "/search", new { query = "text", namespaces = new[] { "notes" }, top_k = Count }, cancellationToken);

        await server.Store.StoreAsync("notes", Make(seed: 12)[..10]);
        await server.Store.DeleteItemsAsync("notes", [.. Documents[5..].Select(document => document.Id)], cancellationToken);

        AssertItems((await EndAsync(items, cancellationToken)).GetProperty("items"), Documents);
        JsonElement hits = (await EndAsync(search, cancellationToken)).GetProperty("results");
        AssertItems(hits, [.. hits.EnumerateArray().Select(hit => Documents.Single(document => document.Id == hit.GetProperty("id").GetString()))]);
        ApiAnswer now = await server.Api.PostAsync("/namespaces/notes/items/get", new { ids = Documents.Select(document => document.Id) });
        AssertItems(now["items"], Make(seed: 12)[..5]);
    }

    [Test]
    public async Task CheckpointThatCannotWait_EndsTheConnection_AndNeverAWholeAnswer(CancellationToken cancellationToken)
    {
        await using TestServer server = await TestServer.StartAsync(
            host => host.Store.Storage.CheckpointInterval = TimeSpan.FromSeconds(1),
            services: services => services.Configure<LoggerFilterOptions>(filter => filter.MinLevel = LogLevel.Debug));
        await server.Store.CreateNamespaceAsync("notes", NamespaceKind.Text, cancellationToken: cancellationToken);
        await server.Store.StoreAsync("notes", Documents);
        using RawClient items = await BeginAsync(server, "/namespaces/notes/items/get", new { ids = Documents.Select(document => document.Id) }, cancellationToken);
        await server.Store.DeleteItemsAsync("notes", [.. Documents.Select(document => document.Id)], cancellationToken);

        // The first one may have begun before the delete.
        int taken = CountCheckpoints();
        for (int i = 0; CountCheckpoints() < taken + 2; i++)
        {
            await server.Store.CreateNamespaceAsync($"change-{i}", NamespaceKind.Text, cancellationToken: cancellationToken);
            await Task.Delay(20, cancellationToken);
        }

        // What was on its way already has to be read first.
        string rest = "";
        try
        {
            rest = await items.ReadToEndAsync(cancellationToken);
        }
        catch (IOException)
        {
            // Reset instead of closed.
        }

        Assert.That(rest, Does.Not.EndWith("]}"));
        while (server.Services.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value.Transfers.Budget.Taken > 0)
        {
            await Task.Delay(10, cancellationToken);
        }

        Assert.That(server.Log.Entries, Has.Some.Matches<(Microsoft.Extensions.Logging.LogLevel, string Message, Exception? Exception)>(
            entry => entry.Message == "POST /namespaces/notes/items/get failed in the middle of its answer; the connection was ended"));

        int CountCheckpoints() => server.Log.Entries.Count(entry => entry.Message.StartsWith("Checkpoint ", StringComparison.Ordinal));
    }

    private MoorchehHttpOptions Options => _server.Services.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value;

    private static Document[] Make(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Count).Select(i => new Document($"d{i}", Text(random)) { Metadata = TestStore.Metadata("even", i % 2 == 0) })];
    }

    private static string Text(Random random)
    {
        var text = new StringBuilder("text ");
        int bytes = random.Next(100_000, 300_000);
        while (bytes > 0)
        {
            string next = Alphabet[random.Next(Alphabet.Length)];
            text.Append(next);
            bytes -= Encoding.UTF8.GetByteCount(next);
        }

        return text.Append('.').ToString();
    }

    private static async Task<RawClient> BeginAsync(TestServer server, string path, object body, CancellationToken cancellationToken)
    {
        RawClient client = await RawClient.ConnectAsync(server.Address, receiveBytes: 4096);
        string json = JsonSerializer.Serialize(body);
        await client.SendAsync($"POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}");
        byte[] one = new byte[1];
        Assert.That(await client.Stream.ReadAsync(one, cancellationToken), Is.EqualTo(1));
        return client;
    }

    private static async Task<JsonElement> EndAsync(RawClient client, CancellationToken cancellationToken)
    {
        string answer = await client.ReadToEndAsync(cancellationToken);
        Assert.That(answer, Does.StartWith("TTP/1.1 200 "));
        return JsonDocument.Parse(answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]).RootElement;
    }

    private static void AssertItems(JsonElement items, Document[] expected)
    {
        Assert.That(items.EnumerateArray().Select(item => item.GetProperty("id").GetString()), Is.EqualTo(expected.Select(document => document.Id)));
        foreach ((JsonElement item, Document document) in items.EnumerateArray().Zip(expected))
        {
            Assert.That(item.GetProperty("text").GetString() == document.Text, Is.True, $"The text of {document.Id}.");
            Assert.That(item.GetProperty("metadata").GetRawText(), Is.EqualTo(document.Metadata?.ToString() ?? "{}"));
        }
    }
}
