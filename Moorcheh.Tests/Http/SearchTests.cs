using System.Globalization;
using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Steps 13 to 16 of the acceptance sequence: every 400 of a search carries <c>"status":"error"</c>.</summary>
public class SearchTests : ServerFixture
{
    [Test]
    public async Task Step13_ExactVector_IsTheFirstHit()
    {
        string name = await NewNamespaceAsync(5);
        await Api.UploadVectorsAsync(name, ("a", [1, 2, 3, 4, 5]), ("far", [5, -4, 3, -2, 1]));

        ApiAnswer answer = (await SearchAsync(new { query = new[] { 1, 2, 3, 4, 5 }, namespaces = new[] { name } })).AssertStatus(200);

        Assert.That(answer.Keys(), Is.EqualTo(new[] { "results", "execution_time", "timings" }));
        JsonElement first = answer["results"][0];
        Assert.That(first.EnumerateObject().Select(property => property.Name), Is.EqualTo(new[] { "id", "namespace", "score", "label", "metadata", "text" }));
        Assert.That(first.GetRawText(), Is.EqualTo(
            $$$"""{"id":"a","namespace":"{{{name}}}","score":1.0,"label":"Close Match","metadata":{},"text":""}"""));
        Assert.That(answer["timings"].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "parse_validate", "prepare_vector", "fetch_data", "calculate_distance", "select_candidates",
            "calculate_scores", "reorder", "format_response", "total",
        }));
        Assert.That(answer["timings"].GetProperty("reorder").GetRawText(), Is.EqualTo("0.0"));
        Assert.That(answer["timings"].GetProperty("total").GetDecimal(), Is.EqualTo(answer["execution_time"].GetDecimal()).And.Positive);
    }

    [Test]
    public async Task Step13_EqualScores_ComeInOrderOfIds()
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, ("z", [1, 1]), ("B", [1, 1]), ("a", [1, 1]), ("x", [1, 0]));

        ApiAnswer answer = await SearchAsync(new { query = new[] { 2, 2 }, namespaces = new[] { name, name } });

        Assert.That(Ids(answer), Is.EqualTo(new[] { "B", "a", "z", "x" }));
        Assert.That(answer["results"][3].GetProperty("score").GetDouble(), Is.EqualTo(0.434421).Within(0.00001));
    }

    [TestCase("0", 1)]
    [TestCase("-3", 1)]
    [TestCase("500", 100)]
    [TestCase("2.9", 2)]
    [TestCase("null", 10)]
    [TestCase("1e999", 100)]
    public async Task Step14_TopK_IsClamped(string topK, int most)
    {
        string name = await NewNamespaceAsync(1);
        await Api.UploadVectorsAsync(name, [.. Enumerable.Range(0, 120).Select(i => ($"{i}", new float[] { 1 }))]);

        ApiAnswer answer = await Api.PostAsync("/search", $$"""{"query":[1],"namespaces":["{{name}}"],"top_k":{{topK}}}""");

        Assert.That(answer.AssertStatus(200)["results"].GetArrayLength(), Is.EqualTo(most));
    }

    [TestCase("\"threshold\":null", null)]
    [TestCase("\"threshold\":0.9", null)]
    [TestCase("\"kiosk_mode\":false,\"threshold\":1", null)]
    [TestCase("\"threshold\":1.5", "out-of-range|Field 'threshold' must be between 0 and 1, not 1.5.")]
    [TestCase("\"threshold\":-0.1", "out-of-range|Field 'threshold' must be between 0 and 1, not -0.1.")]
    [TestCase("\"threshold\":\"1\"", "wrong-type|Field 'threshold' must be a number, not a string.")]
    [TestCase("\"kiosk_mode\":true", "missing-field|Field 'threshold' is required when 'kiosk_mode' is true.")]
    [TestCase("\"kiosk_mode\":1", "wrong-type|Field 'kiosk_mode' must be a boolean, not a number.")]
    [TestCase("\"top_k\":\"5\"", "wrong-type|Field 'top_k' must be a number, not a string.")]
    [TestCase("\"metadata\":[]", "wrong-type|Field 'metadata' must be an object, not an array.")]
    [TestCase("\"metadata\":null", null)]
    public async Task Step14_OptionalFields_AreChecked(string field, string? error)
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, ("a", [1, 0]), ("b", [0, 1]));

        ApiAnswer answer = await Api.PostAsync("/search", $$"""{"query":[1,0],"namespaces":["{{name}}"],{{field}}}""");

        if (error is null)
        {
            Assert.That(Ids(answer.AssertStatus(200)), Is.EqualTo(new[] { "a", "b" }));
        }
        else
        {
            answer.AssertError(400, error.Split('|')[0], error.Split('|')[1], "error");
        }
    }

    [Test]
    public async Task Step14_KioskMode_LeavesOutLowScores()
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, ("a", [1, 0]), ("b", [1, 1]), ("c", [0, 1]));

        ApiAnswer answer = await SearchAsync(new { query = new[] { 1, 0 }, namespaces = new[] { name }, kiosk_mode = true, threshold = 0.2 });

        Assert.That(Ids(answer), Is.EqualTo(new[] { "a", "b" }));
    }

    [TestCase("""{"namespaces":["EMB"]}""", "missing-field", "Field 'query' is required.")]
    [TestCase("""{"query":null,"namespaces":["EMB"]}""", "missing-field", "Field 'query' is required.")]
    [TestCase("""{"query":true,"namespaces":5}""", "wrong-type", "Field 'query' must be a string or an array of numbers, not a boolean.")]
    [TestCase("""{"query":"","namespaces":["EMB"]}""", "empty-field", "Field 'query' must not be empty.")]
    [TestCase("""{"query":" \t","namespaces":["EMB"]}""", "empty-field", "Field 'query' must not be empty.")]
    [TestCase("""{"query":[],"namespaces":["EMB"]}""", "empty-field", "Field 'query' must not be empty.")]
    [TestCase("""{"query":[1,2,3,"4"],"namespaces":["EMB"]}""", "wrong-type", "Query value 3 must be a number, not a string.")]
    [TestCase("""{"query":[1,2,3,1e39],"namespaces":["EMB"]}""", "non-finite-value", "Query value 3 is not a finite number.")]
    [TestCase("""{"query":[1,2,3,4],"namespaces":["EMB"]}""", "dimension-mismatch", "Query has 4 values; namespace 'EMB' needs 5.")]
    [TestCase("""{"query":[1,2,3,4,5]}""", "missing-field", "Field 'namespaces' is required.")]
    [TestCase("""{"query":[1,2,3,4,5],"namespaces":"EMB"}""", "wrong-type", "Field 'namespaces' must be an array, not a string.")]
    [TestCase("""{"query":[1,2,3,4,5],"namespaces":[]}""", "empty-field", "Field 'namespaces' must not be empty.")]
    [TestCase("""{"query":[1,2,3,4,5],"namespaces":["EMB",7]}""", "wrong-type", "Namespace name 1 must be a string, not a number.")]
    [TestCase("""{"query":[1,2,3,4,5],"namespaces":["EMB","nope"]}""", "namespace-not-found", "Namespace 'nope' not found.")]
    [TestCase("""{"query":"text","namespaces":["EMB"]}""", "wrong-namespace-type", "Namespace 'EMB' is a vector namespace; a text query needs text namespaces.")]
    [TestCase("""{"query":[1],"namespaces":["DOCS"]}""", "wrong-namespace-type", "Namespace 'DOCS' is a text namespace; a vector query needs vector namespaces.")]
    [TestCase("""{"query":[1,}""", "invalid-json", "Request body is not valid JSON (line 1, byte 13).")]
    [TestCase("""[]""", "wrong-type", "Request body must be an object, not an array.")]
    [TestCase("", "invalid-json", "Request body is missing.")]
    public async Task Step15_BadSearches_AreErrors(string body, string code, string message)
    {
        string emb = await NewNamespaceAsync(5);
        string docs = await NewNamespaceAsync();

        ApiAnswer answer = await Api.PostAsync("/search", Fill(body));

        answer.AssertError(400, code, Fill(message), "error");
        string Fill(string text) => text.Replace("EMB", emb, StringComparison.Ordinal).Replace("DOCS", docs, StringComparison.Ordinal);
    }

    [Test]
    public async Task Step15_TooMuch_IsAnError()
    {
        (await SearchAsync(new { query = new string('x', 9000), namespaces = new[] { "a" } })).AssertError(
            400, "query-too-long", "Field 'query' has 9000 bytes; the limit is 8192.", "error");
        (await SearchAsync(new { query = "x", namespaces = Enumerable.Range(0, 65).Select(i => $"n{i}") })).AssertError(
            400, "too-many-namespaces", "Field 'namespaces' has 65 entries; the limit is 64.", "error");
    }

    [Test]
    public async Task Step15_OtherStatuses_KeepFailure()
    {
        (await Api.PostAsync("/search", "x"u8.ToArray(), "text/plain")).AssertError(
            415, "unsupported-content-type", "Content-Type 'text/plain' is not supported; send 'application/json'.");
        (await Api.GetAsync("/search")).AssertError(405, "method-not-allowed", "Method GET is not allowed on /search; use POST.");
    }

    [Test]
    public async Task Step16_Filters_AllMustHold()
    {
        string name = await NewNamespaceAsync();
        await Api.FinishAsync(await Api.PostAsync($"/namespaces/{name}/documents", """
            {"documents":[
                {"id":"1","text":"vector search for text","team":"AI","year":2024},
                {"id":"2","text":"vector search for pages","team":"web","year":2024}]}
            """));

        Assert.That(await FindAsync("vector search #team:ai"), Is.EqualTo(new[] { "1" }));
        Assert.That(await FindAsync("vector search #team:ai #year:2024"), Is.EqualTo(new[] { "1" }));
        Assert.That(await FindAsync("vector search #team:ai #year:2023"), Is.Empty);
        Assert.That(await FindAsync("vector search #pages"), Is.EqualTo(new[] { "2" }));
        Assert.That(await FindAsync("vector search", new { team = "ai" }), Is.Empty);
        Assert.That(await FindAsync("vector search", new { team = "AI" }), Is.EqualTo(new[] { "1" }));
        Assert.That(await FindAsync("vector search", new { }), Has.Length.EqualTo(2));
        (await SearchAsync(new { query = "#team:ai", namespaces = new[] { name } })).AssertError(
            400, "empty-field", "Field 'query' has filters but no text.", "error");

        async Task<string[]> FindAsync(string query, object? metadata = null) =>
            Ids((await SearchAsync(new { query, namespaces = new[] { name }, metadata })).AssertStatus(200));
    }

    [Test]
    public async Task Search_TextHit_CarriesTextAndMetadata()
    {
        string name = await NewNamespaceAsync();
        await Api.FinishAsync(await Api.PostAsync($"/namespaces/{name}/documents", """{"documents":[{"id":"1","text":"grüne Äpfel 😀","team":"ai"}]}"""));

        ApiAnswer answer = await SearchAsync(new { query = "Äpfel", namespaces = new[] { name } });

        JsonElement hit = answer["results"][0];
        Assert.That(hit.GetProperty("text").GetString(), Is.EqualTo("grüne Äpfel 😀"));
        Assert.That(hit.GetProperty("metadata").GetRawText(), Is.EqualTo("""{"team":"ai"}"""));
        Assert.That(hit.GetProperty("score").GetRawText(), Does.Match(@"^0\.\d{1,6}$"));
        Assert.That(answer.Text, Does.Contain("grüne Äpfel 😀"));
    }

    [Test]
    public async Task Search_EmptyNamespace_HasNoHits()
    {
        string name = await NewNamespaceAsync();

        ApiAnswer answer = await SearchAsync(new { query = "anything", namespaces = new[] { name } });

        Assert.That(answer.AssertStatus(200)["results"].GetRawText(), Is.EqualTo("[]"));
    }

    [Test]
    public async Task Search_KnownCosine_HasThePublishedScore()
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, ("a", [0.9f, MathF.Sqrt(1 - 0.81f)]));

        ApiAnswer answer = await SearchAsync(new { query = new[] { 1, 0 }, namespaces = new[] { name } });

        Assert.That(answer["results"][0].GetProperty("score").GetDouble(), Is.EqualTo(0.637571).Within(0.00001));
        Assert.That(answer["results"][0].GetProperty("label").GetString(), Is.EqualTo("Very High Relevance"));
    }

    [Test]
    public async Task Search_EmbedderFails_IsAnError()
    {
        var embedder = new TestEmbedder();
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Embedding.Generator = embedder);
        await server.Api.CreateAsync("docs");
        await server.Api.UploadDocumentsAsync("docs", ("a", "x"));
        embedder.FailNextCalls(1);

        (await server.Api.PostAsync("/search", """{"query":"x","namespaces":["docs"]}""")).AssertError(
            400, "embedder-failed", "Embedding the query failed: connection refused.", "error");
    }

    [Test]
    public async Task Search_OverHttp_FindsWhatBruteForceFinds()
    {
        string name = await NewNamespaceAsync(24);
        VectorItem[] items = TestVectors.Items(5, 500, 24);
        await Api.UploadVectorsAsync(name, [.. items.Select(item => (item.Id, item.Vector.ToArray()))]);
        float[] query = TestVectors.Gaussian(new Random(6), 24);
        string numbers = string.Join(',', query.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

        ApiAnswer answer = await Api.PostAsync("/search", $$"""{"query":[{{numbers}}],"namespaces":["{{name}}"],"top_k":20}""");

        Assert.That(Ids(answer), Is.EqualTo(BruteForce.Nearest(items, query, 20)));
    }

    private static string[] Ids(ApiAnswer answer) =>
        [.. answer["results"].EnumerateArray().Select(result => result.GetProperty("id").GetString()!)];

    private Task<ApiAnswer> SearchAsync(object body) => Api.PostAsync("/search", body);
}
