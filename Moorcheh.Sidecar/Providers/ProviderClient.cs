using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Http.Resilience;
using OllamaSharp;
using OpenAI;
using OpenAI.Embeddings;
using Polly;

namespace Moorcheh.Sidecar.Providers;

/// <summary>Makes the generators that speak to a provider: one for queries and one for documents, over the same connections.</summary>
internal sealed class ProviderClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    private readonly HttpClient[] _clients;

    public ProviderClient(ProviderSettings settings, ProviderErrors errors, TimeProvider clock, ILogger logger)
    {
        var resilience = new ProviderResilience(settings, errors, clock, logger);
        var wire = new AnswerReader(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, // The key is for the address that was set.
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime, // Names may come to lead elsewhere.
        });
        _clients = [Client(resilience.Queries), Client(resilience.Documents)];
        Queries = Generator(settings, _clients[0]);
        Documents = Generator(settings, _clients[1]);

        // No IHttpClientFactory: its log has the headers of requests.
        HttpClient Client(ResiliencePipeline<HttpResponseMessage> pipeline)
        {
            var handler = new ProviderHandler(settings, errors, new ResilienceHandler(pipeline) { InnerHandler = wire });
            return new HttpClient(settings.Kind == ProviderKind.OpenAI ? new AnswerOrder(handler) : handler)
            {
                BaseAddress = settings.BaseUrl,
                Timeout = Timeout.InfiniteTimeSpan,
            };
        }
    }

    public IEmbeddingGenerator<string, Embedding<float>> Queries { get; }

    public IEmbeddingGenerator<string, Embedding<float>> Documents { get; }

    public void Dispose()
    {
        foreach (HttpClient client in _clients)
        {
            client.Dispose();
        }
    }

    private static IEmbeddingGenerator<string, Embedding<float>> Generator(ProviderSettings settings, HttpClient http) =>
        settings.Kind == ProviderKind.Ollama ? new OllamaApiClient(http, settings.Model)
        : settings.Kind == ProviderKind.Cohere ? new CohereEmbeddingGenerator(http, settings.BaseUrl, settings.Model)
        : new EmbeddingClient(settings.Model, new ApiKeyCredential("-"), new OpenAIClientOptions
        {
            Endpoint = settings.BaseUrl,
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        }).AsIEmbeddingGenerator();
}
