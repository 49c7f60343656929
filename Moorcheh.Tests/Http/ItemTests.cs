using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Steps 11 and 12 of the acceptance sequence, text of all kinds, and pages of texts.</summary>
public class ItemTests : ServerFixture
{
    [Test]
    public async Task Step11_Get_RepeatsAndUnknownIds_AreLeftOut()
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, ("a", [1, 0]), ("b", [0, 1]));

        ApiAnswer answer = (await Api.PostAsync($"/namespaces/{name}/items/get", """{"ids":["b","zz","b"]}""")).AssertStatus(200);

        Assert.That(answer.Text, Is.EqualTo(
            $$$"""{"status":"success","message":"Successfully retrieved 1 items from namespace '{{{name}}}'.","requested_ids":3,"found_items":1,"items":[{"id":"b","metadata":{}}]}"""));
    }

    [TestCase("""{"ids":[]}""", "empty-field", "Field 'ids' must not be empty.")]
    [TestCase("""{"ids":["a",""]}""", "invalid-id", "Id 1 is an empty string.")]
    [TestCase("""{"ids":["",5]}""", "invalid-id", "Id 0 is an empty string.")]
    [TestCase("""{"ids":["a",5]}""", "wrong-type", "Id 1 must be a string, not a number.")]
    [TestCase("""{"ids":[null]}""", "wrong-type", "Id 0 must be a string, not null.")]
    [TestCase("""{"ids":"abc"}""", "wrong-type", "Field 'ids' must be an array, not a string.")]
    [TestCase("""{"ids":null}""", "missing-field", "Field 'ids' is required.")]
    [TestCase("""{}""", "missing-field", "Field 'ids' is required.")]
    [TestCase("""7""", "wrong-type", "Request body must be an object, not a number.")]
    public async Task Step12_BadIds_AreRefused(string body, string code, string message)
    {
        string name = await NewNamespaceAsync(2);

        (await Api.PostAsync($"/namespaces/{name}/items/get", body)).AssertError(400, code, message);
        (await Api.PostAsync($"/namespaces/{name}/items/delete", body)).AssertError(400, code, message);
        (await Api.PostAsync("/namespaces/nope/items/get", body)).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
    }

    [Test]
    public async Task Step12_TooManyIds_AreRefused()
    {
        string name = await NewNamespaceAsync(2);

        (await Api.PostAsync($"/namespaces/{name}/items/get", new { ids = Enumerable.Range(0, 101).Select(i => $"{i}") })).AssertError(
            400, "too-many-ids", "Field 'ids' has 101 entries; the limit is 100.");
        Assert.That((await Api.PostAsync($"/namespaces/{name}/items/get", new { ids = Enumerable.Range(0, 100).Select(i => $"{i}") })).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Step12_Delete_WorksAtOnce()
    {
        string name = await NewNamespaceAsync(2);
        await Api.UploadVectorsAsync(name, ("a", [1, 0]), ("b", [0, 1]));
        long before = await CountItemsAsync();

        ApiAnswer first = (await Api.PostAsync($"/namespaces/{name}/items/delete", """{"ids":["b","zz","zz"]}""")).AssertStatus(200);
        ApiAnswer again = (await Api.PostAsync($"/namespaces/{name}/items/delete", """{"ids":["b","zz"]}""")).AssertStatus(200);

        Assert.That(first.Text, Is.EqualTo(
            $$"""{"status":"success","message":"Delete by ids completed.","namespace_name":"{{name}}","requested":3,"deleted":1,"not_found_ids":["zz"],"deleted_ids":["b"],"actual_deletions":1}"""));
        Assert.That((again.Number("deleted"), again["not_found_ids"].GetRawText()), Is.EqualTo((0L, """["b","zz"]""")));
        Assert.That(await CountItemsAsync(), Is.EqualTo(before - 1));
    }

    [Test]
    public async Task Get_TextItem_ComesBackAsItWasSent()
    {
        string name = await NewNamespaceAsync();
        const string Id = "id / ü 😀 \"q\"";
        const string Text = "Zeile 1\n\té 漢字 😀\u2028 <b>&'\\";
        const string Metadata = """
            "team":"Ä 😀","n":1.50,"big":123456789012345678901234567890,"list":[null,true,{"a":{}}],"metadata":{"x":1},"vector":[1]
            """;
        string body = $$"""{"documents":[{"id":{{JsonSerializer.Serialize(Id)}},{{Metadata}},"text":{{JsonSerializer.Serialize(Text)}}}]}""";
        await Api.FinishAsync(await Api.PostAsync($"/namespaces/{name}/documents", body));

        ApiAnswer answer = (await Api.PostAsync($"/namespaces/{name}/items/get", new { ids = new[] { Id } })).AssertStatus(200);

        JsonElement item = answer["items"][0];
        Assert.That(item.EnumerateObject().Select(property => property.Name), Is.EqualTo(new[] { "id", "metadata", "text" }));
        Assert.That(item.GetProperty("id").GetString(), Is.EqualTo(Id));
        Assert.That(item.GetProperty("text").GetString(), Is.EqualTo(Text));
        Assert.That(item.GetProperty("metadata").GetRawText(), Is.EqualTo("{" + Metadata + "}"));
        Assert.That(answer.Text, Does.Contain("漢字 😀"), "text is sent as UTF-8, not escaped");
    }

    [Test]
    public async Task FetchTextData_TwoPages_ShowEveryItemOnce()
    {
        string name = await NewNamespaceAsync();
        const string Body = """
            {"documents":[
                {"id":"c","text":"3","source":"wiki"},{"id":"a","text":"1","source":"wiki","filename":"x"},
                {"id":"b","text":"2","filename":"notes.txt","source":5},{"id":"d","text":"4"}]}
            """;
        await Api.FinishAsync(await Api.PostAsync($"/namespaces/{name}/documents", Body));

        ApiAnswer first = (await Api.GetAsync($"/namespaces/{name}/documents/fetch-text-data?limit=3")).AssertStatus(200);
        string token = first["pagination"].GetProperty("next_token").GetString()!;
        ApiAnswer second = (await Api.GetAsync($"/namespaces/{name}/documents/fetch-text-data?limit=3&next_token={token}")).AssertStatus(200);

        Assert.That(first.Keys(), Is.EqualTo(new[] { "status", "message", "namespace", "statistics", "items", "pagination", "execution_time" }));
        Assert.That(first.String("message"), Is.EqualTo($"Fetched 3 text items from namespace '{name}'."));
        JsonElement statistics = first["statistics"];
        Assert.That(statistics.EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "total_items", "total_text_chunks", "total_summary_chunks", "created_at_min", "created_at_max", "source_counts",
        }));
        Assert.That(statistics.GetProperty("source_counts").GetRawText(), Is.EqualTo("""{"wiki":2,"notes.txt":1}"""));
        Assert.That(statistics.GetProperty("total_text_chunks").GetInt32(), Is.EqualTo(3));
        Assert.That(first["items"][0].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[] { "id", "text", "metadata", "created_at", "is_summary" }));
        Assert.That(first["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()), Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(first["pagination"].GetRawText(), Is.EqualTo($$"""{"limit":3,"has_more":true,"next_token":"{{token}}"}"""));
        Assert.That(second["items"].EnumerateArray().Select(item => item.GetProperty("id").GetString()), Is.EqualTo(new[] { "d" }));
        Assert.That(second["pagination"].GetRawText(), Is.EqualTo("""{"limit":3,"has_more":false,"next_token":null}"""));
        Assert.That(second["statistics"].GetProperty("source_counts").GetRawText(), Is.EqualTo("""{"unknown":1}"""));
    }

    [Test]
    public async Task FetchTextData_EmptyNamespace_HasNoTimes()
    {
        string name = await NewNamespaceAsync();

        ApiAnswer page = (await Api.GetAsync($"/namespaces/{name}/documents/fetch-text-data")).AssertStatus(200);

        Assert.That(page["statistics"].GetRawText(), Is.EqualTo(
            """{"total_items":0,"total_text_chunks":0,"total_summary_chunks":0,"created_at_min":null,"created_at_max":null,"source_counts":{}}"""));
        Assert.That(page["pagination"].GetRawText(), Is.EqualTo("""{"limit":100,"has_more":false,"next_token":null}"""));
    }

    [TestCase("limit=0", 1)]
    [TestCase("limit=-5", 1)]
    [TestCase("limit=101", 100)]
    [TestCase("limit=99999999999999999999999", 100)]
    [TestCase("limit=-99999999999999999999999", 1)]
    [TestCase("limit=5&limit=7", 7)]
    public async Task FetchTextData_Limit_IsClamped(string query, int limit)
    {
        string name = await NewNamespaceAsync();

        ApiAnswer page = (await Api.GetAsync($"/namespaces/{name}/documents/fetch-text-data?{query}")).AssertStatus(200);

        Assert.That(page["pagination"].GetProperty("limit").GetInt32(), Is.EqualTo(limit));
    }

    [Test]
    public async Task FetchTextData_BadParameters_AreRefused()
    {
        string name = await NewNamespaceAsync();
        string other = await NewNamespaceAsync();
        string emb = await NewNamespaceAsync(2);
        await Api.UploadDocumentsAsync(other, ("a", "1"), ("b", "2"));
        ApiAnswer page = await Api.GetAsync($"/namespaces/{other}/documents/fetch-text-data?limit=1");
        string foreign = page["pagination"].GetProperty("next_token").GetString()!;
        string url = $"/namespaces/{name}/documents/fetch-text-data";

        (await Api.GetAsync($"{url}?limit=abc")).AssertError(400, "invalid-parameter", "Query parameter 'limit' must be a whole number, not 'abc'.");
        (await Api.GetAsync($"{url}?limit=2.5")).AssertError(400, "invalid-parameter", "Query parameter 'limit' must be a whole number, not '2.5'.");
        (await Api.GetAsync($"{url}?limit=")).AssertError(400, "invalid-parameter", "Query parameter 'limit' must be a whole number, not ''.");
        (await Api.GetAsync($"{url}?next_token=abc")).AssertError(400, "invalid-token", $"Query parameter 'next_token' is not a token of namespace '{name}'.");
        (await Api.GetAsync($"{url}?next_token={foreign}")).AssertError(400, "invalid-token", $"Query parameter 'next_token' is not a token of namespace '{name}'.");
        (await Api.GetAsync($"/namespaces/{emb}/documents/fetch-text-data")).AssertError(
            400, "wrong-namespace-type", $"Namespace '{emb}' is a vector namespace; fetch-text-data needs a text namespace.");
        (await Api.GetAsync("/namespaces/nope/documents/fetch-text-data")).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
    }
}
