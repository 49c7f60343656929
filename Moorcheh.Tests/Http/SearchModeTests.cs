using System.Text.Json;
using Moorcheh.Search;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>The fields <c>mode</c> and <c>keyword_weight</c> of a search, and what they add to its hits.</summary>
[CancelAfter(60_000)]
internal sealed class SearchModeTests
{
    private TestServer _server = null!;
    private TestEmbedder _embedder = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _embedder = new TestEmbedder();
        _server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = _embedder);
        await _server.Api.CreateAsync("docs");
        await _server.Api.UploadDocumentsAsync("docs", ("a", "the quick brown fox"), ("b", "quick, quick: a slow fox"), ("c", "nothing"));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _server.DisposeAsync();
        _embedder.Dispose();
    }

    [TestCase("""{"query":"fox","namespaces":["docs"]}""")]
    [TestCase("""{"query":"fox","namespaces":["docs"],"mode":"semantic","keyword_weight":1}""")]
    [TestCase("""{"query":"fox","namespaces":["docs"],"mode":null,"keyword_weight":null}""")]
    public async Task Search_Semantic_HasThePublishedFields(string body)
    {
        ApiAnswer answer = (await _server.Api.PostAsync("/search", body)).AssertStatus(200);
        Assert.That(
            answer["results"][0].EnumerateObject().Select(property => property.Name),
            Is.EqualTo((string[])["id", "namespace", "score", "label", "metadata", "text"]));
    }

    [TestCase("keyword", "b a")]
    [TestCase("hybrid", "b a c")]
    public async Task Search_Words_TellsBothScoresAndTheWords(string mode, string ids)
    {
        ApiAnswer answer = (await _server.Api.PostAsync(
            "/search", $$"""{"query":"Quick fox Quick absent","namespaces":["docs"],"mode":"{{mode}}","keyword_weight":1}""")).AssertStatus(200);
        JsonElement[] hits = [.. answer["results"].EnumerateArray()];
        Assert.That(string.Join(' ', hits.Select(hit => hit.GetProperty("id").GetString())), Is.EqualTo(ids));
        Assert.That(
            hits[0].EnumerateObject().Select(property => property.Name),
            Is.EqualTo((string[])["id", "namespace", "score", "label", "semantic_score", "keyword_score", "matched_words", "metadata", "text"]));
        Assert.That(hits[0].GetProperty("score").GetRawText(), Is.EqualTo("1.0"));
        Assert.That(hits[0].GetProperty("matched_words").GetRawText(), Is.EqualTo("""["quick","fox"]"""));

        // 3 texts of 4, 5 and 1 words; "quick" and "fox" stand in two of them.
        double idf = Math.Log(1 + (1.5 / 2.5));
        double norm = 1.2 * (0.25 + (0.75 * 5 / (10.0 / 3)));
        double expected = (2 * (idf * (2 * 2.2 / (2 + norm)))) + (idf * (2.2 / (1 + norm)));
        Assert.That(hits[0].GetProperty("keyword_score").GetDouble(), Is.EqualTo(Math.Round(expected, 6)));
        Assert.That(hits[0].GetProperty("semantic_score").GetDouble(), Is.InRange(0.1, 1));
        Assert.That(hits[0].GetProperty("label").GetString(), Is.EqualTo(ItsScore.Label(hits[0].GetProperty("semantic_score").GetDouble())));
    }

    [Test]
    public async Task Search_Threshold_CountsOnTheScore()
    {
        const string Body = """{"query":"quick","namespaces":["docs"],"mode":"keyword","kiosk_mode":true,"threshold":THRESHOLD}""";
        ApiAnswer some = await _server.Api.PostAsync("/search", Body.Replace("THRESHOLD", "0.9", StringComparison.Ordinal));
        ApiAnswer all = await _server.Api.PostAsync("/search", Body.Replace("THRESHOLD", "0.1", StringComparison.Ordinal));
        Assert.That((some["results"].GetArrayLength(), all["results"].GetArrayLength()), Is.EqualTo((1, 2)));
    }

    [Test]
    public async Task SearchKeyword_NoEmbedder_HasNoSemanticScore()
    {
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = _embedder);
        await server.Api.CreateAsync("docs");
        await server.Api.UploadDocumentsAsync("docs", ("a", "quick"));
        _embedder.FailNextCalls(1);
        ApiAnswer answer = await server.Api.PostAsync("/search", """{"query":"quick","namespaces":["docs"],"mode":"keyword"}""");
        Assert.That(
            answer["results"][0].GetRawText(),
            Is.EqualTo("""
                {"id":"a","namespace":"docs","score":1.0,"label":null,"semantic_score":null,"keyword_score":0.287682,"matched_words":["quick"],"metadata":{},"text":"quick"}
                """));
    }

    [TestCase("""{"query":"x","namespaces":["docs"],"mode":"words"}""", "out-of-range", "Field 'mode' must be 'semantic', 'keyword' or 'hybrid', not words.")]
    [TestCase("""{"query":"x","namespaces":["docs"],"mode":"Keyword"}""", "out-of-range", "Field 'mode' must be 'semantic', 'keyword' or 'hybrid', not Keyword.")]
    [TestCase("""{"query":"x","namespaces":["docs"],"mode":1}""", "wrong-type", "Field 'mode' must be a string, not a number.")]
    [TestCase("""{"query":[1],"namespaces":["docs"],"mode":"hybrid"}""", "out-of-range", "Field 'mode' must be 'semantic' for a query of numbers, not hybrid.")]
    [TestCase("""{"query":"x","namespaces":["docs"],"keyword_weight":1.5}""", "out-of-range", "Field 'keyword_weight' must be between 0 and 1, not 1.5.")]
    [TestCase("""{"query":"x","namespaces":["docs"],"keyword_weight":"1"}""", "wrong-type", "Field 'keyword_weight' must be a number, not a string.")]
    public async Task Search_WrongValue_IsAnError(string body, string code, string message) =>
        (await _server.Api.PostAsync("/search", body)).AssertError(400, code, message, "error");
}
