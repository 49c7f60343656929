using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Artifacts;

/// <summary>The acceptance sequence of the artifacts API over a real server; the names of the tests begin with the step.</summary>
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class ArtifactAcceptanceTests
{
    private const string Hidden = "c 1/ü";
    private const string NotFound = """{"detail":"Task with specified ID not found"}""";

    private TestEmbedder _embedder = null!;
    private TestServer _server = null!;
    private WebApplication? _documents;

    private ApiClient Api => _server.Api;

    [SetUp]
    public async Task StartAsync()
    {
        _embedder = new TestEmbedder();
        _server = await ArtifactServer.StartAsync(_embedder);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _embedder.Release();
        await _server.DisposeAsync();
        _embedder.Dispose();
        if (_documents is not null)
        {
            await _documents.DisposeAsync();
            _documents = null;
        }
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Document(string artifact, string collection, string text, string fileName = "text_content.txt") =>
        $$$"""{"object":"ingest.document","artifact":"{{{artifact}}}","doc_metadata":{"file_name":"{{{fileName}}}","artifact_id":"{{{artifact}}}","collection":"{{{collection}}}","llm_model":"default","embed_model":"bag","hash":"{{{Hash(text)}}}"}}""";

    private static string List(params string[] documents) => $$"""{"object":"list","model":"private-gpt","data":[{{string.Join(',', documents)}}]}""";

    [Test]
    public async Task Step01_List_WithoutOrUnknownCollection()
    {
        (await Api.GetAsync("/v1/artifacts/list")).AssertIs(422, """{"detail":[{"type":"missing","loc":["query","collection"],"msg":"Field required","input":null}]}""");
        (await Api.GetAsync("/v1/artifacts/list?collection=fresh")).AssertIs(200, List());
    }

    [Test]
    public async Task Step02To04_IngestText_SkippedReplacedAndHidden()
    {
        (await Api.IngestTextAsync(Hidden, "a", "Hello")).AssertIs(200, List(Document("a", Hidden, "Hello")));
        (await Api.IngestTextAsync(Hidden, "a", "Hello")).AssertIs(200, List());
        (await Api.IngestTextAsync(Hidden, "a", "Other text")).AssertIs(200, List(Document("a", Hidden, "Other text")));
        (await Api.GetAsync($"/v1/artifacts/list?collection={Uri.EscapeDataString(Hidden)}")).AssertIs(200, List(Document("a", Hidden, "Other text")));
        Assert.That((await Api.GetAsync("/namespaces"))["namespaces"].GetArrayLength(), Is.Zero);
        Assert.That(await Api.CountHitsAsync(Hidden, "other"), Is.EqualTo(1));
        (await Api.GetAsync($"/namespaces/{Uri.EscapeDataString(Hidden)}")).AssertStatus(404);
        await Api.IngestTextAsync("docs2", "a", "text");
        JsonElement shown = (await Api.GetAsync("/namespaces"))["namespaces"].EnumerateArray().Single();
        Assert.That((shown.GetProperty("namespace_name").GetString(), shown.GetProperty("type").GetString()), Is.EqualTo(("docs2", "text")));
    }

    [Test]
    public async Task Step05_Collection_DefaultNullEmptyAndTooLong()
    {
        const string Input = "\"input\":{\"type\":\"text\",\"value\":\"x\"}";
        (await Api.PostAsync("/v1/artifacts/ingest", $$"""{"artifact":"a",{{Input}}}""")).AssertIs(200, List(Document("a", "pgpt_collection", "x")));
        Assert.That(await Api.ListArtifactsAsync("pgpt_collection"), Is.EqualTo((string[])["a"]));
        (await Api.PostAsync("/v1/artifacts/ingest", $$"""{"artifact":"a","collection":null,{{Input}}}""")).AssertIs(
            422, """{"detail":[{"type":"string_type","loc":["body","collection"],"msg":"Input should be a valid string","input":null}]}""");
        (await Api.PostAsync("/v1/artifacts/ingest", $$"""{"artifact":"a","collection":"",{{Input}}}""")).AssertIs(
            422, """{"detail":[{"type":"string_too_short","loc":["body","collection"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}]}""");
        string longest = new('c', 256);
        (await Api.PostAsync("/v1/artifacts/ingest", $$"""{"artifact":"a","collection":"{{longest}}",{{Input}}}""")).AssertIs(
            422, $$$"""{"detail":[{"type":"string_too_long","loc":["body","collection"],"msg":"String should have at most 255 characters","input":"{{{longest}}}","ctx":{"max_length":255}}]}""");
    }

    [Test]
    public async Task Step06_Metadata_ComesBackAndServerKeysWin()
    {
        await Api.PostAsync("/v1/artifacts/ingest", """{"artifact":"a","collection":"docs","input":{"type":"text","value":"x"},"metadata":{"b":[1,2.50],"artifact_id":"mine","file_name":"r.md","a":null}}""");
        ApiAnswer list = await Api.GetAsync("/v1/artifacts/list?collection=docs");
        Assert.That(list.Metadata().GetRawText(), Is.EqualTo(
            $$"""{"file_name":"r.md","b":[1,2.50],"a":null,"artifact_id":"a","collection":"docs","llm_model":"default","embed_model":"bag","hash":"{{Hash("x")}}"}"""));
    }

    [TestCase("""{"type":"text","value":""}""", "invalid_file_size")]
    [TestCase("""{"type":"text","value":" \n "}""", "no_valid_nodes")]
    [TestCase("""{"type":"file","value":"SGVsbG8="}""", "invalid_file_extension")]
    [TestCase("""{"type":"file","value":"SGVsbG8="}""", "invalid_file_extension", "x.rtf")]
    [TestCase("""{"type":"file","value":"wyg="}""", "malformed_file", "x.txt")]
    public async Task Step07_UnusableInput_IsInvalidFile(string input, string reason, string? fileName = null)
    {
        string metadata = fileName is null ? "null" : $$"""{"file_name":"{{fileName}}"}""";
        (await Api.PostAsync("/v1/artifacts/ingest", $$"""{"artifact":"a","input":{{input}},"metadata":{{metadata}}}""")).AssertIs(
            400, $$"""{"detail":"InvalidFileError(errors=['zpgt.ingest.{{reason}}.error'], warnings=[])"}""");
    }

    [TestCase("""{"artifact":5,"input":{"type":"text","value":"x"}}""", """{"type":"string_type","loc":["body","artifact"],"msg":"Input should be a valid string","input":5}""")]
    [TestCase("""{"artifact":"a","input":{"value":"x"}}""", """{"type":"union_tag_not_found","loc":["body","input"],"msg":"Unable to extract tag using discriminator 'type'","input":{"value":"x"}}""")]
    [TestCase("""{"artifact":"a","input":{"type":"ftp","value":"x"}}""", """{"type":"union_tag_invalid","loc":["body","input"],"msg":"Input tag 'ftp' found using 'type' does not match any of the expected tags: 'file', 'uri', 'text'","input":{"type":"ftp","value":"x"}}""")]
    [TestCase("""{"artifact":"a","input":{"type":"file","value":"%%%"}}""", """{"type":"value_error","loc":["body","input","file","value"],"msg":"Value error, File input requires valid base64 encoded content","input":"%%%"}""")]
    [TestCase("""{"artifact":"a","input":{"type":"file","value":"SGVsbG9="}}""", """{"type":"value_error","loc":["body","input","file","value"],"msg":"Value error, File input requires valid base64 encoded content","input":"SGVsbG9="}""")]
    [TestCase("""{"artifact":"a","input":{"type":"file","value":"SGVs bG8="}}""", """{"type":"value_error","loc":["body","input","file","value"],"msg":"Value error, File input requires valid base64 encoded content","input":"SGVs bG8="}""")]
    [TestCase("""{"artifact":"a","input":{"type":"file","value":""}}""", """{"type":"value_error","loc":["body","input","file","value"],"msg":"Value error, File input requires valid base64 encoded content","input":""}""")]
    [TestCase("""{"artifact":"a","input":{"type":"text"}}""", """{"type":"missing","loc":["body","input","text","value"],"msg":"Field required","input":{"type":"text"}}""")]
    [TestCase("""{"collection":"c"}""", """{"type":"missing","loc":["body","artifact"],"msg":"Field required","input":{"collection":"c"}},{"type":"missing","loc":["body","input"],"msg":"Field required","input":{"collection":"c"}}""")]
    [TestCase("""{"artifact":"","input":{"type":"text","value":"x"},"metadata":"x"}""", """{"type":"string_too_short","loc":["body","artifact"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}},{"type":"dict_type","loc":["body","metadata"],"msg":"Input should be a valid dictionary","input":"x"}""")]
    [TestCase("[1]", """{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[1]}""")]
    [TestCase("""{"artifact":x}""", """{"type":"json_invalid","loc":["body",12],"msg":"JSON decode error","input":{},"ctx":{"error":"Invalid JSON"}}""")]
    [TestCase("", """{"type":"missing","loc":["body"],"msg":"Field required","input":null}""")]
    public async Task Step08_Schema_FaultsAreExact(string body, string faults) =>
        (await Api.PostAsync("/v1/artifacts/ingest", Encoding.UTF8.GetBytes(body))).AssertIs(422, $$"""{"detail":[{{faults}}]}""");

    [TestCase("text/plain")]
    [TestCase(null)]
    public async Task Step08_OtherContentType_IsNoObject(string? contentType) =>
        (await Api.PostAsync("/v1/artifacts/ingest", "{\"a\": 1}"u8.ToArray(), contentType)).AssertIs(
            422, """{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":"{\"a\": 1}"}]}""");

    [Test]
    public async Task Step08_MetadataTooLargeOrDeep_IsAValueError()
    {
        string large = new('v', 69_992);
        ApiAnswer answer = await Api.PostAsync("/v1/artifacts/ingest", $$$"""{"artifact":"a","input":{"type":"text","value":"x"},"metadata":{"k":"{{{large}}}"}}""");
        JsonElement fault = answer["detail"].EnumerateArray().Single();
        Assert.That((answer.Status, fault.GetProperty("msg").GetString()), Is.EqualTo((422, "Value error, metadata has 70000 bytes; the limit is 65536")));
        Assert.That(fault.GetProperty("input").GetString(), Is.EqualTo($"{{\"k\":\"{large}"[..1024]));
        (await Api.PostAsync("/v1/artifacts/ingest", """{"artifact":"a","input":{"type":"text","value":"x"},"metadata":{"a":[[[[[[[[1]]]]]]]]}}""")).AssertIs(
            422, """{"detail":[{"type":"value_error","loc":["body","metadata"],"msg":"Value error, metadata is 9 levels deep; the limit is 8","input":{"a":[[[[[[[[1]]]]]]]]}}]}""");
    }

    [TestCase("http://127.0.0.1/x.txt", "URI host '127.0.0.1' is not on the allow-list")]
    [TestCase("https://example.com/a.txt", "URI host 'example.com' is not on the allow-list")]
    [TestCase("file:///etc/passwd", "URI must be http, https or a base64 data URI")]
    [TestCase("s3://b/k", "URI must be http, https or a base64 data URI")]
    [TestCase("/etc/passwd", "URI must be http, https or a base64 data URI")]
    [TestCase("SGVsbG8=", "URI must be http, https or a base64 data URI")]
    [TestCase("data:text/plain,Hello", "URI must be http, https or a base64 data URI")]
    [TestCase("data:text/plain;base64,%%%", "URI must be http, https or a base64 data URI")]
    public async Task Step09_Uri_NotAllowed(string uri, string message)
    {
        string ingest = $$$"""{"artifact":"a","input":{"type":"uri","value":"{{{uri}}}"}}""";
        (await Api.PostAsync("/v1/artifacts/ingest", ingest)).AssertIs(
            422, $$"""{"detail":[{"type":"value_error","loc":["body","input","uri","value"],"msg":"Value error, {{message}}","input":"{{uri}}"}]}""");
        (await Api.PostAsync("/v1/artifacts/ingest/async", $$"""{"ingest_body":{{ingest}}}""")).AssertIs(
            422, $$"""{"detail":[{"type":"value_error","loc":["body","ingest_body","input","uri","value"],"msg":"Value error, {{message}}","input":"{{uri}}"}]}""");
    }

    [Test]
    public async Task Step09_DataUri_IsRead() =>
        (await Api.PostAsync("/v1/artifacts/ingest", """{"artifact":"a","collection":"c","input":{"type":"uri","value":"data:text/plain;base64,SGVsbG8="},"metadata":{"file_name":"h.txt"}}"""))
            .AssertIs(200, List(Document("a", "c", "Hello", "h.txt")));

    [Test]
    public async Task Step10_AllowedHost_ErrorsAndRedirects()
    {
        string address = await StartDocumentsAsync();
        await RestartAsync(documents: options => options.UriAllowedHosts = [$"127.0.0.1:{new Uri(address).Port} allow-private"]);
        await Fails($"{address}/missing.txt");
        await Fails($"{address}/away");
        await Fails($"{address}/around");
        (await IngestUriAsync($"{address}/hello.txt")).AssertIs(200, List(Document("a", "c", "Hello", "hello.txt")));
        (await IngestUriAsync($"{address}/near")).AssertIs(400, """{"detail":"InvalidFileError(errors=['zpgt.ingest.invalid_file_extension.error'], warnings=[])"}""");
        (await IngestUriAsync($"{address}/near", """{"file_name":"near.txt"}""")).AssertIs(200, List(Document("a", "c", "Hello", "near.txt")));

        async Task Fails(string uri)
        {
            (await IngestUriAsync(uri)).AssertIs(404, """{"detail":"The URI resource could not be accessed"}""");
            ApiAnswer task = await Api.EndedAsync(
                "ingest", await Api.PostAsync("/v1/artifacts/ingest/async", new { ingest_body = new { artifact = "a", input = new { type = "uri", value = uri } } }));
            Assert.That((task.String("task_status"), task.String("task_result")), Is.EqualTo(("FAILURE", "The URI resource could not be accessed")));
        }
    }

    [Test]
    public async Task Step11_AsyncIngest_EndsWithTheIngestResponse()
    {
        ApiAnswer started = await Api.StartIngestAsync("c", "a", "Hello");
        string id = started.String("task_id")!;
        started.AssertIs(200, $$"""{"task_id":"{{id}}"}""");
        Assert.That(id, Does.Match("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"));
        (await Api.EndedAsync("ingest", started)).AssertIs(200, $$"""{"task_id":"{{id}}","task_status":"SUCCESS","task_result":{{List(Document("a", "c", "Hello"))}}}""");
        Assert.That(await Api.ListArtifactsAsync("c"), Is.EqualTo((string[])["a"]));
        ApiAnswer again = await Api.EndedAsync("ingest", await Api.StartIngestAsync("c", "a", "Hello"));
        Assert.That(again["task_result"].GetRawText(), Is.EqualTo(List()));
    }

    [Test]
    public async Task Step12_UnknownTasks_AreNotFound()
    {
        string ingest = (await Api.StartIngestAsync("c", "a", "x")).String("task_id")!;
        string delete = (await Api.StartDeleteAsync("c", "b")).String("task_id")!;
        foreach (string path in (string[])[
            $"ingest/async/{Guid.NewGuid()}", "ingest/async/revoked", "delete/async/revoked", $"delete/async/{ingest}", $"ingest/async/{delete}", $"ingest/async/{ingest.ToUpperInvariant()}x"])
        {
            (await Api.GetAsync($"/v1/artifacts/{path}")).AssertIs(404, NotFound);
        }
    }

    [Test]
    public async Task Step13_AsyncIngestOfEmptyText_Fails()
    {
        ApiAnswer task = await Api.EndedAsync("ingest", await Api.StartIngestAsync("c", "a", ""));
        Assert.That(
            (task.String("task_status"), task.String("task_result")),
            Is.EqualTo(("FAILURE", "InvalidFileError(errors=['zpgt.ingest.invalid_file_size.error'], warnings=[])")));
        Assert.That(await Api.ListArtifactsAsync("c"), Is.Empty);
    }

    [Test]
    public async Task Step14To15_Delete_GoneFromListContentAndSearch()
    {
        await Api.IngestTextAsync("c", "a", "Hello");
        await Api.IngestTextAsync("c", "b", "Hello");
        (await Api.PostAsync("/v1/artifacts/delete", """{"collection":"c","artifact":"a"}""")).AssertIs(200, "null");
        Assert.That(await Api.ListArtifactsAsync("c"), Is.EqualTo((string[])["b"]));
        Assert.That(await Api.CountHitsAsync("c", "hello"), Is.EqualTo(1));
        const string Absent = """{"detail":"VectorArtifactIndex for artifact=a is not initialized."}""";
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","artifacts":["a"]}}""")).AssertIs(400, Absent);
        (await Api.PostAsync("/v1/artifacts/delete", """{"collection":"c","artifact":"a"}""")).AssertIs(400, Absent);
        (await Api.PostAsync("/v1/artifacts/delete", """{"collection":"unknown","artifact":"a"}""")).AssertIs(400, Absent);
    }

    /// <summary>The request of the published documents, as it is.</summary>
    [Test]
    public async Task Step16_AsyncDelete_TheDocumentedRequest()
    {
        await Api.IngestTextAsync("financial_reports", "obsolete_report_2022", "old");
        ApiAnswer started = await Api.PostAsync("/v1/artifacts/delete/async", """
            {
              "delete_body": {
                "collection": "financial_reports",
                "artifact": "obsolete_report_2022"
              },
              "callback": {
                "amqp": {
                  "exchange": "deletion_events",
                  "routing_key_done": "delete.completed",
                  "routing_key_progress": "delete.progress",
                  "routing_key_error": "delete.failed"
                }
              }
            }
            """);
        (await Api.EndedAsync("delete", started)).AssertIs(200, $$"""{"task_id":"{{started.String("task_id")}}","task_status":"SUCCESS","task_result":null}""");
        Assert.That(await Api.ListArtifactsAsync("financial_reports"), Is.Empty);
    }

    [TestCase("""{"collection":"a"}""", """{"type":"missing","loc":["body","delete_body"],"msg":"Field required","input":{"collection":"a"}}""")]
    [TestCase("""{"delete_body":{"collection":"c","artifact":"a"},"callback":{}}""", """{"type":"missing","loc":["body","callback","amqp"],"msg":"Field required","input":{}}""")]
    [TestCase("""{"delete_body":{"collection":"c","artifact":"a"},"callback":{"amqp":{}}}""", """{"type":"missing","loc":["body","callback","amqp","exchange"],"msg":"Field required","input":{}}""")]
    [TestCase("""{"delete_body":{"artifact":"a"}}""", """{"type":"missing","loc":["body","delete_body","collection"],"msg":"Field required","input":{"artifact":"a"}}""")]
    [TestCase("""{"delete_body":{"collection":"c","artifact":"a"},"callback":{"amqp":{"exchange":"e","routing_key_done":1},"properties":[]}}""", """{"type":"string_type","loc":["body","callback","amqp","routing_key_done"],"msg":"Input should be a valid string","input":1},{"type":"dict_type","loc":["body","callback","properties"],"msg":"Input should be a valid dictionary","input":[]}""")]
    public async Task Step17_AsyncDelete_SchemaFaults(string body, string faults) =>
        (await Api.PostAsync("/v1/artifacts/delete/async", Encoding.UTF8.GetBytes(body))).AssertIs(422, $$"""{"detail":[{{faults}}]}""");

    [Test]
    public async Task Step17_LongExchange_IsAValueError()
    {
        string exchange = new('e', 300);
        (await Api.PostAsync("/v1/artifacts/delete/async", $$$$"""{"delete_body":{"collection":"c","artifact":"a"},"callback":{"amqp":{"exchange":"{{{{exchange}}}}"}}}""")).AssertIs(
            422, $$"""{"detail":[{"type":"value_error","loc":["body","callback","amqp","exchange"],"msg":"Value error, exchange has 300 bytes; the limit is 255","input":"{{exchange}}"}]}""");
    }

    [Test]
    public async Task Step18_AsyncDelete_OfAnUnknownArtifact_Fails()
    {
        ApiAnswer task = await Api.EndedAsync("delete", await Api.StartDeleteAsync("c", "nope"));
        Assert.That((task.String("task_status"), task.String("task_result")), Is.EqualTo(("FAILURE", "VectorArtifactIndex for artifact=nope is not initialized.")));
    }

    [Test]
    public async Task Step19To20_AsyncDelete_RevokesTheRunningIngest([Values] bool hasEarlierVersion)
    {
        if (hasEarlierVersion)
        {
            await Api.IngestTextAsync("c", "a", "old version");
        }

        await Api.IngestTextAsync("c", "other", "stays");
        _embedder.Block();
        ApiAnswer ingest = await Api.StartIngestAsync("c", "a", "new version");
        ApiAnswer queued = await Api.StartIngestAsync("c", "a", "newer version");
        await _embedder.CallsBegunAsync(hasEarlierVersion ? 3 : 2);
        ApiAnswer delete = await Api.StartDeleteAsync("c", "a");
        foreach (ApiAnswer revoked in (ApiAnswer[])[ingest, queued])
        {
            (await Api.GetAsync($"/v1/artifacts/ingest/async/{revoked.String("task_id")}")).AssertIs(
                200, $$"""{"task_id":"{{revoked.String("task_id")}}","task_status":"REVOKED","task_result":null}""");
            Assert.That(delete.String("task_id"), Is.Not.EqualTo(revoked.String("task_id")));
        }

        (await Api.EndedAsync("delete", delete)).AssertIs(200, $$"""{"task_id":"{{delete.String("task_id")}}","task_status":"SUCCESS","task_result":null}""");
        _embedder.Release();
        Assert.That(await Api.ListArtifactsAsync("c"), Is.EqualTo((string[])["other"]));
        Assert.That(await Api.CountHitsAsync("c", "version"), Is.EqualTo(1));
        Assert.That((await Api.GetAsync("/health")).Number("items"), Is.EqualTo(1));
    }

    [Test]
    public async Task Step21To22_OtherDeletes_DoNotRevoke()
    {
        _embedder.Block();
        ApiAnswer ingest = await Api.StartIngestAsync("c", "a", "text");
        await _embedder.CallsBegunAsync(1);
        await Api.EndedAsync("delete", await Api.StartDeleteAsync("c", "b"));
        await Api.EndedAsync("delete", await Api.StartDeleteAsync("d", "a"));
        const string Busy = """{"detail":"VectorArtifactIndex for artifact=a is being populated."}""";
        (await Api.PostAsync("/v1/artifacts/delete", """{"collection":"c","artifact":"a"}""")).AssertIs(409, Busy);
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","artifacts":["a"]}}""")).AssertIs(409, Busy);
        Assert.That((await Api.GetAsync($"/v1/artifacts/ingest/async/{ingest.String("task_id")}")).String("task_status"), Is.EqualTo("STARTED"));
        _embedder.Release();
        Assert.That((await Api.EndedAsync("ingest", ingest)).String("task_status"), Is.EqualTo("SUCCESS"));
    }

    [Test]
    public async Task Step23_AsyncDeleteThenIngest_RunInOrder()
    {
        await Api.IngestTextAsync("c", "a", "text");
        ApiAnswer delete = await Api.StartDeleteAsync("c", "a");
        ApiAnswer ingest = await Api.StartIngestAsync("c", "a", "text");
        Assert.That((await Api.EndedAsync("delete", delete)).String("task_status"), Is.EqualTo("SUCCESS"));
        Assert.That((await Api.EndedAsync("ingest", ingest))["task_result"].GetProperty("data").GetArrayLength(), Is.EqualTo(1));
        Assert.That(await Api.ListArtifactsAsync("c"), Is.EqualTo((string[])["a"]));
    }

    [Test]
    public async Task Step28_NamespaceDeleted_TheIngestFails()
    {
        await Api.IngestTextAsync("docs2", "kept", "text");
        _embedder.Block();
        ApiAnswer ingest = await Api.StartIngestAsync("docs2", "a", "text");
        await _embedder.CallsBegunAsync(2);
        await Api.DeleteNamespaceAsync("docs2");
        ApiAnswer task = await Api.EndedAsync("ingest", ingest);
        Assert.That((task.String("task_status"), task.String("task_result")), Is.EqualTo(("FAILURE", "Namespace 'docs2' was deleted.")));
        Assert.That(await Api.ListArtifactsAsync("docs2"), Is.Empty);
    }

    [Test]
    public async Task Step29_ChunksAreProtected_AndVectorNamespacesRefused()
    {
        await Api.IngestTextAsync("c", "annual_report", "text");
        string id = (await _server.Store.Artifacts.ReadAsync("c", "annual_report"))!.Chunks[0].Id;
        (await Api.PostAsync("/namespaces/c/items/delete", new { ids = new[] { id } })).AssertError(
            409, "item-owned-by-artifact", $"Id 0 ('{id}') belongs to artifact 'annual_report'; delete it through the artifacts API.");
        (await Api.PostAsync("/namespaces/c/documents", new { documents = new[] { new { id, text = "x" } } })).AssertError(
            409, "item-owned-by-artifact", $"Document 0 ('{id}') belongs to artifact 'annual_report'; change it through the artifacts API.");
        await Api.CreateAsync("emb", 4);
        (await Api.IngestTextAsync("emb", "a", "x")).AssertIs(409, """{"detail":"Namespace 'emb' is a vector namespace; a collection needs a text namespace."}""");
        (await Api.StartIngestAsync("emb", "a", "x")).AssertIs(409, """{"detail":"Namespace 'emb' is a vector namespace; a collection needs a text namespace."}""");
    }

    [Test]
    public async Task Step30_Content_InTheOrderAsked()
    {
        await Api.IngestTextAsync("c", "a", "Hello from a.\n");
        await Api.PostAsync("/v1/artifacts/ingest", """{"artifact":"b","collection":"c","input":{"type":"text","value":"Hello from b."},"metadata":{"year":2024}}""");
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","artifacts":["b","a","b"]}}""")).AssertIs(
            200, """{"data":[{"artifact_id":"b","content":"Hello from b.\n\n"},{"artifact_id":"a","content":"Hello from a.\n\n"}]}""");
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","metadata_filter":[{"key":"year","value":2024}]}}""")).AssertIs(
            200, """{"data":[{"artifact_id":"b","content":"Hello from b.\n\n"}]}""");
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","metadata_filter":[{"key":"year","operator":"!=","value":2024}]}}""")).AssertIs(
            200, """{"data":[{"artifact_id":"a","content":"Hello from a.\n\n"}]}""");
        string id = (await _server.Store.Artifacts.ReadAsync("c", "a"))!.Id;
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","artifacts":["a"]},"format":"object"}""")).AssertIs(
            200,
            $$$"""{"data":[{"artifact_id":"a","content":{"id":"{{{id}}}","type":"document","content":"","children":[{"id":"{{{id}}}_chunk_0","type":"TextNode","content":"Hello from a.\n","children":[]}]}}]}""");
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c"},"filter":{"exclude":["TextNode"]}}""")).AssertIs(200, """{"data":[]}""");
        (await Api.PostAsync("/v1/artifacts/content", $$$"""{"context_filter":{"collection":"c"},"filter":{"node_ids":["{{{id}}}_chunk_0"]}}""")).AssertIs(
            200, """{"data":[{"artifact_id":"a","content":"Hello from a.\n\n"}]}""");
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{}}""")).AssertIs(200, """{"data":[]}""");
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","artifacts":["a","nope"]}}""")).AssertIs(
            400, """{"detail":"VectorArtifactIndex for artifact=nope is not initialized."}""");
        (await Api.PostAsync("/v1/artifacts/content", new { context_filter = new { collection = "c", artifacts = Enumerable.Range(0, 21).Select(i => $"{i}") } })).AssertIs(
            413, """{"detail":"Content request exceeds the 20 artifact limit"}""");
    }

    [TestCase("""{"context_filter":{"artifacts":"x"}}""", """{"type":"list_type","loc":["body","context_filter","artifacts"],"msg":"Input should be a valid list","input":"x"}""")]
    [TestCase("""{"context_filter":{},"format":"pdf"}""", """{"type":"literal_error","loc":["body","format"],"msg":"Input should be 'markdown' or 'object'","input":"pdf","ctx":{"expected":"'markdown' or 'object'"}}""")]
    [TestCase("""{"context_filter":{},"max_tokens":"9"}""", """{"type":"int_type","loc":["body","max_tokens"],"msg":"Input should be a valid integer","input":"9"}""")]
    [TestCase("""{"context_filter":{},"max_tokens":9.5}""", """{"type":"int_type","loc":["body","max_tokens"],"msg":"Input should be a valid integer","input":9.5}""")]
    [TestCase("""{"context_filter":{},"max_tokens":0}""", """{"type":"greater_than_equal","loc":["body","max_tokens"],"msg":"Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}}""")]
    [TestCase("""{"context_filter":{},"filter":{"include_children":"x"}}""", """{"type":"bool_type","loc":["body","filter","include_children"],"msg":"Input should be a valid boolean","input":"x"}""")]
    public async Task Step30To31_Content_SchemaFaults(string body, string fault)
    {
        foreach (string route in (string[])["content", "chunked-content"])
        {
            (await Api.PostAsync($"/v1/artifacts/{route}", Encoding.UTF8.GetBytes(body))).AssertIs(422, $$"""{"detail":[{{fault}}]}""");
        }
    }

    [Test]
    public async Task Step31_ChunkedContent_JoinedIsTheText()
    {
        string text = string.Join(' ', Enumerable.Range(0, 100).Select(i => $"word{i}"));
        await Api.IngestTextAsync("c", "a", text);
        ApiAnswer answer = await Api.PostAsync("/v1/artifacts/chunked-content", """{"context_filter":{"collection":"c","artifacts":["a"]},"max_tokens":10}""");
        JsonElement[] entries = [.. answer["data"].EnumerateArray()];
        Assert.That(entries, Has.Length.GreaterThan(5));
        Assert.That(string.Concat(entries.Select(entry => entry.GetProperty("content")[1].GetProperty("text").GetString())), Is.EqualTo(text));
        Func<string, int> count = _server.Store.Options.Embedding.CountTokens;
        for (int i = 0; i < entries.Length; i++)
        {
            JsonElement content = entries[i].GetProperty("content");
            JsonElement source = content[0].GetProperty("sources")[0];
            Assert.That(content.GetArrayLength(), Is.EqualTo(2));
            Assert.That(source.GetProperty("text").GetString(), Is.EqualTo(content[1].GetProperty("text").GetString()));
            Assert.That(source.GetProperty("metadata").GetRawText(), Is.EqualTo($$"""{"abs_idx":{{i}},"rel_idx":{{i}}}"""));
            Assert.That(count(source.GetProperty("text").GetString()!), Is.LessThanOrEqualTo(9));
        }

        string id = (await _server.Store.Artifacts.ReadAsync("c", "a"))!.Chunks[0].Id;
        string document = (await Api.GetAsync("/v1/artifacts/list?collection=c")).Document();
        (await Api.PostAsync("/v1/artifacts/chunked-content", """{"context_filter":{"collection":"c"}}""")).AssertIs(
            200,
            $$$"""{"data":[{"artifact_id":"a","content":[{"type":"source","sources":[{"object":"context.chunk","id":"{{{id}}}","score":0.0,"document":{{{document}}},"text":"{{{text}}}","content_type":"text/markdown","previous_texts":[],"next_texts":[],"metadata":{"abs_idx":0,"rel_idx":0}}]},{"type":"text","text":"{{{text}}}"}]}]}""");
    }

    [TestCase("ingest", "POST")]
    [TestCase("list", "GET")]
    [TestCase("nonsense", "GET")]
    [TestCase("list", "PUT")]
    public async Task Step32_Secret_IsAskedForEverywhere(string path, string method)
    {
        await RestartAsync(options => options.ArtifactsSecret = "Basic c2VjcmV0OmtleQ==");
        foreach (string? header in (string?[])[null, "Basic wrong", "Basic c2VjcmV0OmtleQ==x", "c2VjcmV0OmtleQ==", "basic c2VjcmV0OmtleQ=="])
        {
            ApiAnswer answer = await SendAsync(header);
            answer.AssertIs(401, """{"detail":"Not authenticated"}""");
            Assert.That(answer.Headers.WwwAuthenticate.ToString(), Is.EqualTo("""Basic realm="All the API", charset="UTF-8" """.Trim()));
        }

        Assert.That((await SendAsync("Basic c2VjcmV0OmtleQ==")).Status, Is.EqualTo((path, method) switch { ("nonsense", _) => 404, (_, "PUT") => 405, _ => 422 }));
        (await Api.GetAsync("/health")).AssertStatus(200);

        Task<ApiAnswer> SendAsync(string? header)
        {
            var request = new HttpRequestMessage(new HttpMethod(method), $"/v1/artifacts/{path}");
            if (header is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", header);
            }

            return Api.SendAsync(request);
        }
    }

    [Test]
    public async Task Step32_ApiKeys_AreBearerSecrets()
    {
        await RestartAsync(options => options.ApiKeys = ["k1", "k2"]);
        (await Api.GetAsync("/v1/artifacts/list?collection=c")).AssertIs(401, """{"detail":"Not authenticated"}""");
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/artifacts/list?collection=c");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer k2");
        (await Api.SendAsync(request)).AssertIs(200, List());
    }

    [Test]
    public async Task OtherErrors_HaveADetail()
    {
        (await Api.GetAsync("/v1/artifacts/nonsense")).AssertIs(404, """{"detail":"Not Found"}""");
        (await Api.GetAsync("/v1/artifacts/convert")).AssertIs(404, """{"detail":"Not Found"}""");
        ApiAnswer wrongMethod = await Api.GetAsync("/v1/artifacts/ingest");
        wrongMethod.AssertIs(405, """{"detail":"Method Not Allowed"}""");
        Assert.That(wrongMethod.ContentHeaders.Allow, Is.EqualTo((string[])["POST"]));
        _embedder.FailNextCalls(10);
        ApiAnswer failed = await Api.IngestTextAsync("c", "a", "x");
        failed.AssertIs(503, """{"detail":"Embedding failed: connection refused."}""");
        Assert.That(failed.Headers.RetryAfter?.ToString(), Is.EqualTo("1"));
        await RestartAsync(options => options.MaxBodyBytes = 100);
        (await Api.IngestTextAsync("c", "a", new string('x', 100))).AssertIs(413, """{"detail":"Request body is larger than 100 bytes."}""");
    }

    [Test]
    public async Task Content_LargerThanTheLimit_IsRefused()
    {
        await RestartAsync(options => options.MaxContentBytes = 1000);
        await Api.IngestTextAsync("c", "a", new string('x', 900));
        Assert.That((await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c"}}""")).Status, Is.EqualTo(200));
        (await Api.PostAsync("/v1/artifacts/chunked-content", """{"context_filter":{"collection":"c"}}""")).AssertIs(
            413, """{"detail":"Chunked artifact content exceeds the configured response size limit"}""");
        await Api.IngestTextAsync("c", "a", new string('x', 1100));
        (await Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c"}}""")).AssertIs(
            413, """{"detail":"Artifact content exceeds the configured response size limit"}""");
    }

    private async Task RestartAsync(
        Action<Moorcheh.Http.MoorchehHttpOptions>? http = null, Action<Moorcheh.Documents.MoorchehDocumentsOptions>? documents = null)
    {
        await _server.DisposeAsync();
        _server = await ArtifactServer.StartAsync(_embedder, http, documents: documents);
    }

    private Task<ApiAnswer> IngestUriAsync(string uri, string metadata = "null") =>
        Api.PostAsync("/v1/artifacts/ingest", Encoding.UTF8.GetBytes($$"""{"artifact":"a","collection":"c","input":{"type":"uri","value":"{{uri}}"},"metadata":{{metadata}}}"""));

    /// <summary>A server with documents on a free port of 127.0.0.1.</summary>
    private async Task<string> StartDocumentsAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _documents = builder.Build();
        _documents.MapGet("/hello.txt", () => "Hello");
        _documents.MapGet("/near", () => Results.Redirect("/hello.txt"));
        _documents.MapGet("/away", () => Results.Redirect("http://localhost:1/hello.txt"));
        _documents.MapGet("/around", () => Results.Redirect("/around"));
        await _documents.StartAsync();
        return _documents.Urls.Single();
    }
}
