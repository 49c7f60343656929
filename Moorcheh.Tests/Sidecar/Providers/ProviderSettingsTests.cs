using Microsoft.Extensions.Configuration;
using Moorcheh.Sidecar;

namespace Moorcheh.Tests.Sidecar.Providers;

/// <summary>The settings of providers: by their published names too, and with a message that says what is wrong but not the key.</summary>
internal sealed class ProviderSettingsTests
{
    private const string Key = "sk-Zebra0123456789QUAGGA";
    private const string UrlRule = "it must be http:// or https:// with a host, and perhaps a port and a path.";

    [Test]
    public void Read_PublishedNames_AreTakenAndOursCountMore()
    {
        SidecarSettings settings = Read(new()
        {
            ["EMBEDDING_PROVIDER"] = "cohere",
            ["EMBEDDING_MODEL"] = "embed-english-v3.0",
            ["EMBEDDING_BASE_URL"] = "http://127.0.0.1:1/x",
            ["EMBEDDING_API_KEY"] = Key,
            ["EMBEDDING_DIMENSIONS"] = "512",
            ["EMBEDDING_QUERY_PREFIX"] = "query: ",
            ["EMBEDDING_DOCUMENT_PREFIX"] = "passage: ",
            ["MOORCHEH_EMBEDDING_MODEL"] = "embed-v4.0",
        });

        SidecarOptions options = settings.Sidecar;
        Assert.That(
            (options.EmbeddingProvider, options.EmbeddingModel, options.EmbeddingBaseUrl, options.EmbeddingApiKey, options.EmbeddingDimensions),
            Is.EqualTo(("cohere", "embed-v4.0", "http://127.0.0.1:1/x", Key, 512)));
        Assert.That((options.EmbeddingQueryPrefix, options.EmbeddingDocumentPrefix), Is.EqualTo(("query: ", "passage: ")));
        Assert.That(settings.UnknownVariables, Is.Empty);
    }

    [Test]
    public void Read_CommandLine_CountsMost()
    {
        SidecarSettings settings = Read(
            new() { ["EMBEDDING_PROVIDER"] = "openai", ["EMBEDDING_API_KEY"] = Key }, "--embedding-provider", "ollama", "--embedding-model=bge-m3");

        Assert.That((settings.Sidecar.EmbeddingProvider, settings.Sidecar.EmbeddingModel), Is.EqualTo(("ollama", "bge-m3")));
    }

    [TestCase("openai", ExpectedResult =
        "Option 'EmbeddingApiKey' is empty; provider 'openai' at 'https://api.openai.com/v1' needs a key (environment variable EMBEDDING_API_KEY).")]
    [TestCase("openai", "--embedding-base-url", "https://api.openai.com/v1/", ExpectedResult =
        "Option 'EmbeddingApiKey' is empty; provider 'openai' at 'https://api.openai.com/v1' needs a key (environment variable EMBEDDING_API_KEY).")]
    [TestCase("cohere", ExpectedResult =
        "Option 'EmbeddingApiKey' is empty; provider 'cohere' at 'https://api.cohere.com' needs a key (environment variable EMBEDDING_API_KEY).")]
    [TestCase("openai", "--embedding-base-url", "http://gpu:8000/v1", ExpectedResult =
        "Option 'EmbeddingModel' is empty; it must name a model of the server at 'http://gpu:8000/v1/'.")]
    [TestCase("ollama", "--embedding-base-url", "localhost:11434", ExpectedResult = $"Option 'EmbeddingBaseUrl' is 'localhost:11434'; {UrlRule}")]
    [TestCase("ollama", "--embedding-base-url", "ftp://host", ExpectedResult = $"Option 'EmbeddingBaseUrl' is 'ftp://host'; {UrlRule}")]
    [TestCase("ollama", "--embedding-base-url", "http://host/?key=" + Key, ExpectedResult =
        $"Option 'EmbeddingBaseUrl' is 'http://host/' with a query or a fragment; {UrlRule}")]
    [TestCase("ollama", "--embedding-base-url", "http://me:" + Key + "@host", ExpectedResult =
        "Option 'EmbeddingBaseUrl' has a user ('...@'); give the key as 'EmbeddingApiKey' instead.")]
    [TestCase("openai", "--embedding-api-key", Key + "\n" + Key, ExpectedResult =
        "Option 'EmbeddingApiKey' has a blank or a character that is not ASCII inside; it must have none.")]
    [TestCase("openai", "--embedding-api-key", Key + "é", ExpectedResult =
        "Option 'EmbeddingApiKey' has a blank or a character that is not ASCII inside; it must have none.")]
    [TestCase("ollama", "--embedding-dimensions", "16385", ExpectedResult =
        "Option 'EmbeddingDimensions' is 16385; it must be from 1 to 16384, or 0 for those of the model.")]
    [TestCase("none", "--embedding-dimensions", "256", ExpectedResult = "Option 'EmbeddingDimensions' is 256; with provider 'none' it must be 0.")]
    [TestCase("ollama", "--embedding-request-seconds", "301", ExpectedResult =
        "Option 'EmbeddingRequestSeconds' is 301; it must be from 1 to 300 ('EmbedSeconds' is 300).")]
    [TestCase("ollama", "--embedding-request-seconds", "3601", "--embed-seconds", "9999", ExpectedResult =
        "Option 'EmbeddingRequestSeconds' is 3601; it must be from 1 to 3600 ('EmbedSeconds' is 9999).")]
    public string Read_BadSettings_StopTheStartWithoutTheKey(string provider, params string[] more)
    {
        string message = Assert.Throws<SettingsException>(() => Read([], ["--embedding-provider", provider, .. more]))!.ToString();

        Assert.That(message, Does.Not.Contain(Key));
        return message.Split(": ", 2)[1].Split(Environment.NewLine)[0];
    }

    /// <summary>A slip of the hand must not show it either.</summary>
    [Test]
    public void Read_KeyWithoutDashes_IsNotShown() => Assert.That(
        Assert.Throws<SettingsException>(() => Read([], $"embedding-api-key={Key}"))!.Message,
        Is.EqualTo("'embedding-api-key' is not an option; write --name value."));

    [TestCase("ollama")]
    [TestCase("openai", "--embedding-api-key", Key)]
    [TestCase("openai", "--embedding-api-key", Key + "\n")]
    [TestCase("openai", "--embedding-base-url", "http://127.0.0.1:8000/v1", "--embedding-model", "m")]
    [TestCase("cohere", "--embedding-base-url", "http://127.0.0.1:8000")]
    [TestCase("none", "--embedding-api-key", Key)]
    [TestCase("onnx", "--embedding-base-url", "nonsense")]
    public void Read_EnoughSettings_AreTaken(string provider, params string[] more) =>
        Assert.That(Read([], ["--embedding-provider", provider, .. more]).Sidecar.EmbeddingProvider, Is.EqualTo(provider));

    private static SidecarSettings Read(Dictionary<string, string> environment, params string[] arguments) =>
        SidecarSettings.Read(new ConfigurationBuilder().Build(), environment, arguments);
}
