using System.Text.Json;
using Microsoft.Extensions.AI;
using Moorcheh.Sidecar.Providers;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar.Providers;

/// <summary>What a provider is sent, and that each text gets the vector that the provider made of it.</summary>
[CancelAfter(60_000)]
internal sealed class ProviderWireTests : ProviderFixture
{
    [Test]
    public async Task Generate_SendsModelKeyAndTexts_AndGivesEachTextItsVector([ValueSource(nameof(Names))] string provider)
    {
        string[] texts = ["red fox", "green frog", "blue whale"];

        float[][] vectors = Values(await DocumentsAsync(Generator(provider), texts));

        Assert.That(vectors, Is.EqualTo(texts.Select(text => TestEmbedder.Embed(text, FakeProvider.Dimension))));
        ProviderRequest request = Server.Requests.Single();
        Assert.That(request.Texts, Is.EqualTo(texts));
        Assert.That(request.Body.GetProperty("model").GetString(), Is.EqualTo("m"));
        Assert.That(request.Authorization, Is.EqualTo($"Bearer {Key}"));
        Assert.That(Dimensions(request), Is.Null);
    }

    [Test]
    public async Task Generate_NoKey_SendsNone([ValueSource(nameof(Names))] string provider)
    {
        await DocumentsAsync(Generator(provider, options => options.EmbeddingApiKey = ""), "a");

        Assert.That(Server.Requests.Single().Authorization, Is.Empty);
    }

    [Test]
    public async Task Generate_Dimensions_AreAskedForAndDeclared([ValueSource(nameof(Names))] string provider)
    {
        ProviderEmbeddingGenerator generator = Generator(provider, options => options.EmbeddingDimensions = 256);

        await DocumentsAsync(generator, "a");

        Assert.That(Dimensions(Server.Requests.Single()), Is.EqualTo(256));
        Assert.That(Metadata(generator).DefaultModelDimensions, Is.EqualTo(256));
    }

    [Test]
    public void Metadata_IsProviderAndModel_NotTheAddress([ValueSource(nameof(Names))] string provider)
    {
        EmbeddingGeneratorMetadata metadata = Metadata(Generator(provider));

        Assert.That(
            (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions, metadata.ProviderUri),
            Is.EqualTo((provider, "m", (int?)null, (Uri?)null)));
    }

    [Test]
    public async Task Cohere_IsToldTheRole()
    {
        ProviderEmbeddingGenerator generator = Generator("cohere");

        await DocumentsAsync(generator, "a");
        await QueryAsync(generator, "b");
        await generator.GenerateAsync(["c"], null, Token);

        Assert.That(
            Server.Requests.Select(request => request.Body.GetProperty("input_type").GetString()),
            Is.EqualTo(new[] { "search_document", "search_query", "search_document" }));
        Assert.That(Server.Requests[0].Body.GetProperty("embedding_types").GetRawText(), Is.EqualTo("""["float"]"""));
    }

    [Test]
    public async Task Cohere_ManyTexts_GoIn96s()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"text {i}")];

        float[][] vectors = Values(await DocumentsAsync(Generator("cohere"), texts));

        Assert.That(vectors, Is.EqualTo(texts.Select(text => TestEmbedder.Embed(text, FakeProvider.Dimension))));
        Assert.That(Server.Requests.Select(request => request.Texts.Length), Is.EqualTo(new[] { 96, 96, 8 }));
    }

    [TestCase("ollama", "nomic-embed-text", "auto", "auto", "search_query: ", "search_document: ")]
    [TestCase("ollama", "nomic-embed-text:v1.5", "auto", "auto", "search_query: ", "search_document: ")]
    [TestCase("openai", "nomic-ai/nomic-embed-text-v1.5", "auto", "auto", "search_query: ", "search_document: ")]
    [TestCase("ollama", "mxbai-embed-large", "auto", "auto", "Represent this sentence for searching relevant passages: ", "")]
    [TestCase("ollama", "nomic-embed-text", "none", "none", "", "")]
    [TestCase("ollama", "nomic-embed-text", "q> ", "auto", "q> ", "search_document: ")]
    [TestCase("openai", "other", "auto", "auto", "", "")]
    [TestCase("openai", "other", "query: ", "passage: ", "query: ", "passage: ")]
    public async Task Prefixes_StandBeforeTexts(string provider, string model, string query, string document, string sentQuery, string sentDocument)
    {
        ProviderEmbeddingGenerator generator = Generator(provider, options =>
        {
            options.EmbeddingModel = model;
            options.EmbeddingQueryPrefix = query;
            options.EmbeddingDocumentPrefix = document;
        });

        await DocumentsAsync(generator, "x", "y");
        await QueryAsync(generator, "z");

        Assert.That(Server.Requests.SelectMany(request => request.Texts), Is.EqualTo(new[] { $"{sentDocument}x", $"{sentDocument}y", $"{sentQuery}z" }));
    }

    /// <summary>Not every server that speaks the API knows base64, or numbers its vectors.</summary>
    [TestCase("""{"data":[{"embedding":[1,2]},{"embedding":[3,4]}]}""")]
    [TestCase("""{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[3,4]}]}""")]
    [TestCase("""{"object":"list","data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2]}],"model":"m"}""")]
    public async Task OpenAI_PlainNumbers_AreRead(string body)
    {
        Server.AnswerAll(200, body);

        float[][] vectors = Values(await DocumentsAsync(Generator("openai"), "a", "b"));

        Assert.That(vectors, Is.EqualTo(new float[][] { [1, 2], [3, 4] }));
    }

    [Test]
    public async Task Redirect_IsNotFollowed([ValueSource(nameof(Names))] string provider)
    {
        await using FakeProvider other = await FakeProvider.StartAsync();
        Server.Instead = async (_, http) =>
        {
            await FakeProvider.AnswerAsync(http, 307, "", ("Location", $"{other.Url}{http.Request.Path}"));
            return true;
        };

        Assert.That(
            async () => await QueryAsync(Generator(provider), "a"),
            Throws.InstanceOf<ProviderException>().With.Message.EqualTo($"{provider} answered 307: redirects are not followed; check EmbeddingBaseUrl"));
        Assert.That(other.Requests, Is.Empty);
    }

    private static EmbeddingGeneratorMetadata Metadata(ProviderEmbeddingGenerator generator) =>
        (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;

    private static int? Dimensions(ProviderRequest request) =>
        request.Body.TryGetProperty("dimensions", out JsonElement value) || request.Body.TryGetProperty("output_dimension", out value)
            ? value.ValueKind == JsonValueKind.Null ? null : value.GetInt32()
            : null;
}
