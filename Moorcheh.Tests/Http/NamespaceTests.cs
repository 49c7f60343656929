using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Steps 1 to 4 of the acceptance sequence, and reading one namespace.</summary>
public class NamespaceTests : ServerFixture
{
    [Test]
    public async Task Step01_Health_FreshServer_HasAllEightKeysAndOurs()
    {
        await using TestServer server = await TestServer.StartAsync();

        ApiAnswer answer = await server.Api.GetAsync("/health");

        answer.AssertStatus(200);
        Assert.That(answer.Text, Does.StartWith(
            """{"status":"ok","embedding_provider":"test","model":"bag","llm_provider":"none","llm_model":"","items":0,"max_items":100000,"remaining":100000,"problems":[],"free_bytes":"""));
        Assert.That(answer.Keys()[8..], Is.EqualTo((string[])["problems", "free_bytes", "journal_bytes", "max_journal_bytes", "loops"]));
    }

    [Test]
    public async Task Health_WithoutCapAndEmbedder_TellsSo()
    {
        await using TestServer server = await TestServer.StartAsync(host =>
        {
            host.Store.Limits.MaxItems = 0;
            host.Store.Embedding.Generator = null;
        });

        ApiAnswer answer = await server.Api.GetAsync("/health");

        Assert.That(answer.Text, Does.StartWith(
            """{"status":"ok","embedding_provider":"none","model":"","llm_provider":"none","llm_model":"","items":0,"max_items":9007199254740991,"remaining":9007199254740991,"problems":[],"free_bytes":"""));
    }

    [Test]
    public async Task Step02_CreateText_IsCreatedOnce()
    {
        const string Body = """{"namespace_name":"docs","type":"text","vector_dimension":null}""";

        ApiAnswer created = await Api.PostAsync("/namespaces", Body);
        ApiAnswer again = await Api.PostAsync("/namespaces", Body);

        created.AssertStatus(201);
        Assert.That(created.Text, Is.EqualTo(
            """{"status":"success","message":"Namespace 'docs' created successfully.","namespace_name":"docs","type":"text","vector_dimension":null}"""));
        again.AssertError(409, "namespace-exists", "Namespace 'docs' already exists.");
    }

    [Test]
    public async Task Step03_CreateVector_TakesNameAsAlias()
    {
        ApiAnswer created = await Api.PostAsync("/namespaces", """{"name":"emb","namespace_name":null,"type":"vector","vector_dimension":5.0}""");

        created.AssertStatus(201);
        Assert.That(created.Text, Is.EqualTo(
            """{"status":"success","message":"Namespace 'emb' created successfully.","namespace_name":"emb","type":"vector","vector_dimension":5}"""));
    }

    [TestCase("""{"name":"x","type":"vector"}""", "missing-field", "Field 'vector_dimension' is required for vector namespaces.")]
    [TestCase("""{"name":"x","type":"vector","vector_dimension":null}""", "missing-field", "Field 'vector_dimension' is required for vector namespaces.")]
    [TestCase("""{"name":"x","type":"vector","vector_dimension":0}""", "invalid-dimension", "Field 'vector_dimension' must be an integer from 1 to 16384, not 0.")]
    [TestCase("""{"name":"x","type":"vector","vector_dimension":2.5}""", "invalid-dimension", "Field 'vector_dimension' must be an integer from 1 to 16384, not 2.5.")]
    [TestCase("""{"name":"x","type":"vector","vector_dimension":16385}""", "invalid-dimension", "Field 'vector_dimension' must be an integer from 1 to 16384, not 16385.")]
    [TestCase("""{"name":"x","type":"vector","vector_dimension":1e999}""", "invalid-dimension", "Field 'vector_dimension' must be an integer from 1 to 16384, not 1e999.")]
    [TestCase("""{"name":"x","type":"vector","vector_dimension":"5"}""", "wrong-type", "Field 'vector_dimension' must be an integer, not a string.")]
    [TestCase("""{"name":"x","type":"text","vector_dimension":5}""", "invalid-dimension", "Field 'vector_dimension' must not be sent for text namespaces.")]
    [TestCase("""{"name":"x","type":"text","vector_dimension":"a"}""", "invalid-dimension", "Field 'vector_dimension' must not be sent for text namespaces.")]
    [TestCase("""{"name":"x","type":"graph"}""", "invalid-type", "Field 'type' must be 'text' or 'vector', not 'graph'.")]
    [TestCase("""{"name":"x","type":"Text"}""", "invalid-type", "Field 'type' must be 'text' or 'vector', not 'Text'.")]
    [TestCase("""{"name":"x"}""", "missing-field", "Field 'type' is required.")]
    [TestCase("""{"name":"x","type":5}""", "wrong-type", "Field 'type' must be a string, not a number.")]
    [TestCase("""{"type":"text"}""", "missing-field", "Field 'namespace_name' is required.")]
    [TestCase("""{"namespace_name":[],"name":"x","type":"text"}""", "wrong-type", "Field 'namespace_name' must be a string, not an array.")]
    [TestCase("""{"name":true,"type":"text"}""", "wrong-type", "Field 'name' must be a string, not a boolean.")]
    [TestCase("""{"name":"a b","type":5}""", "invalid-name", "Namespace name 'a b' is not valid: use 1 to 128 of A-Z, a-z, 0-9, '_' and '-', starting with a letter or digit.")]
    public async Task Step03_Create_BadFields_AreRefused(string body, string code, string message)
    {
        (await Api.PostAsync("/namespaces", body)).AssertError(400, code, message);
        Assert.That((await Api.GetAsync("/namespaces/x")).Status, Is.EqualTo(404));
    }

    [TestCase("a b")]
    [TestCase("-x")]
    [TestCase("_x")]
    [TestCase("é")]
    [TestCase("")]
    [TestCase("../x")]
    [TestCase("a/b")]
    [TestCase("a%2fb")]
    [TestCase("a\n")]
    public async Task Step03_Create_BadName_IsRefused(string name)
    {
        ApiAnswer answer = await Api.PostAsync("/namespaces", new { namespace_name = name, type = "text" });

        answer.AssertError(
            400,
            "invalid-name",
            $"Namespace name '{name}' is not valid: use 1 to 128 of A-Z, a-z, 0-9, '_' and '-', starting with a letter or digit.");
    }

    [Test]
    public async Task Step03_Create_NameOf128Characters_IsTheLongest()
    {
        string longest = new('n', 128);

        Assert.That((await Api.PostAsync("/namespaces", new { name = longest + "n", type = "text" })).Status, Is.EqualTo(400));
        await Api.CreateAsync(longest);
        Assert.That((await Api.DeleteNamespaceAsync(longest)).String("status"), Is.EqualTo("completed"));
    }

    [Test]
    public async Task Step04_List_IsOrderedByName()
    {
        await using TestServer server = await TestServer.StartAsync();
        await server.Api.CreateAsync("emb", 5);
        await server.Api.CreateAsync("docs");
        await server.Api.CreateAsync("Zed");

        ApiAnswer answer = (await server.Api.GetAsync("/namespaces")).AssertStatus(200);

        Assert.That(answer.Keys(), Is.EqualTo(new[] { "status", "namespaces" }));
        JsonElement[] found = [.. answer["namespaces"].EnumerateArray()];
        Assert.That(found.Select(entry => entry.GetProperty("namespace_name").GetString()), Is.EqualTo(new[] { "Zed", "docs", "emb" }));
        Assert.That(found[2].GetRawText(), Does.Match(
            """^\{"namespace_name":"emb","type":"vector","vector_dimension":5,"item_count":0,"created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}$"""));
        Assert.That(found[1].GetProperty("vector_dimension").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task Create_TooManyNamespaces_AreRefused()
    {
        await using TestServer server = await TestServer.StartAsync(host => host.Store.Limits.MaxNamespaces = 1);
        await server.Api.CreateAsync("a");

        (await server.Api.PostAsync("/namespaces", """{"name":"b","type":"text"}""")).AssertError(
            409, "namespace-limit-exceeded", "Namespace limit exceeded: the server holds 1 of 1 namespaces.");
    }

    [Test]
    public async Task Get_TextNamespace_TellsItsEmbedder()
    {
        string name = await NewNamespaceAsync();
        ApiAnswer empty = await Api.GetAsync($"/namespaces/{name}");
        await Api.UploadDocumentsAsync(name, ("a", "one text"));
        ApiAnswer filled = await Api.GetAsync($"/namespaces/{name}");

        Assert.That(empty["namespace"].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "namespace_name", "type", "vector_dimension", "item_count", "created_at", "updated_at",
            "embedding_provider", "embedding_model", "embedding_dimension", "running_jobs", "stored_bytes",
        }));
        Assert.That(empty["namespace"].GetProperty("embedding_provider").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(filled["namespace"].GetProperty("item_count").GetInt64(), Is.EqualTo(1));
        Assert.That(filled["namespace"].GetProperty("embedding_provider").GetString(), Is.EqualTo("test"));
        Assert.That(filled["namespace"].GetProperty("embedding_model").GetString(), Is.EqualTo("bag"));
        Assert.That(filled["namespace"].GetProperty("embedding_dimension").GetInt32(), Is.EqualTo(32));
        Assert.That(filled["namespace"].GetProperty("running_jobs").GetInt32(), Is.Zero);
        Assert.That(filled["namespace"].GetProperty("stored_bytes").GetInt64(), Is.Positive);
    }

    [TestCase("nope", "nope")]
    [TestCase("a%2fb", "a/b")]
    [TestCase("a%20b", "a b")]
    [TestCase("%C3%A9", "é")]
    [TestCase("..%2fx", "../x")]
    public async Task Get_UnknownOrIllegalName_IsNotFound(string path, string name) =>
        (await Api.GetAsync($"/namespaces/{path}")).AssertError(404, "namespace-not-found", $"Namespace '{name}' not found.");

    [Test]
    public async Task Names_AreCaseSensitive()
    {
        await Api.CreateAsync("CaseA");

        Assert.That((await Api.GetAsync("/namespaces/CaseA")).Status, Is.EqualTo(200));
        Assert.That((await Api.GetAsync("/namespaces/casea")).Status, Is.EqualTo(404));
        await Api.CreateAsync("casea");
    }
}
