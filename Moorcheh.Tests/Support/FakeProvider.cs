using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Moorcheh.Tests.Support;

/// <summary>
/// A server on a free port of 127.0.0.1 that speaks the embedding APIs of Ollama, OpenAI and Cohere, as their documentation has them. Its vectors are
/// those of <see cref="TestEmbedder"/>. It can be told to answer otherwise, or not at all.
/// </summary>
internal sealed class FakeProvider : IAsyncDisposable
{
    public const int Dimension = 32;

    private readonly ConcurrentQueue<ProviderRequest> _requests = [];
    private WebApplication _app;

    private FakeProvider() => _app = Build("http://127.0.0.1:0");

    /// <summary>Where it is, without a slash at the end.</summary>
    public string Url { get; private set; } = "";

    /// <summary>All requests so far.</summary>
    public IReadOnlyList<ProviderRequest> Requests => [.. _requests];

    /// <summary>Answers instead when it gives true; the body has not been written then.</summary>
    public Func<ProviderRequest, HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>Starts one.</summary>
    public static async Task<FakeProvider> StartAsync()
    {
        var provider = new FakeProvider();
        await provider._app.StartAsync();
        provider.Url = provider._app.Urls.Single();
        return provider;
    }

    /// <summary>Answers all requests with a status and a body.</summary>
    public void AnswerAll(int status, string body, params (string Name, string Value)[] headers) => Instead = async (_, http) =>
    {
        await AnswerAsync(http, status, body, headers);
        return true;
    };

    public static Task AnswerAsync(HttpContext http, int status, string body, params (string Name, string Value)[] headers)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        foreach ((string name, string value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        return http.Response.WriteAsync(body);
    }

    /// <summary>Takes requests and answers none of them, until its clients go.</summary>
    public void NeverAnswer() => Instead = async (_, http) =>
    {
        await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return true;
    };

    /// <summary>Closes its port.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <summary>Opens the port that it had.</summary>
    public async Task StartAgainAsync()
    {
        await _app.DisposeAsync();
        _app = Build(Url);
        await _app.StartAsync();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private WebApplication Build(string url)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url).UseShutdownTimeout(TimeSpan.Zero);
        WebApplication app = builder.Build();
        app.MapPost("/api/embed", http => ServeAsync(http, "input", (_, vectors) => new { model = "m", embeddings = vectors }));
        app.MapPost("/v1/embeddings", http => ServeAsync(http, "input", OpenAI));
        app.MapPost("/v2/embed", http => ServeAsync(http, "texts", (_, vectors) => new { id = "1", embeddings = new { @float = vectors } }));
        return app;
    }

    // Last one first: the numbers count, not the order.
    private static object OpenAI(JsonElement request, float[][] vectors)
    {
        bool isBase64 = request.TryGetProperty("encoding_format", out JsonElement format) && format.GetString() == "base64";
        var data = vectors.Select((vector, index) => new
        {
            @object = "embedding",
            index,
            embedding = isBase64 ? Convert.ToBase64String(MemoryMarshal.AsBytes(vector.AsSpan())) : (object)vector,
        });
        return new { @object = "list", data = data.Reverse(), model = "m", usage = new { prompt_tokens = 1, total_tokens = 1 } };
    }

    private async Task ServeAsync(HttpContext http, string textsName, Func<JsonElement, float[][], object> answer)
    {
        JsonElement body = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body);
        string[] texts = [.. body.GetProperty(textsName).EnumerateArray().Select(text => text.GetString()!)];
        var request = new ProviderRequest(http.Request.Path, http.Request.Headers.Authorization.ToString(), body, texts);
        _requests.Enqueue(request);
        if (Instead is null || !await Instead(request, http))
        {
            float[][] vectors = [.. texts.Select(text => TestEmbedder.Embed(text, Dimension))];
            await http.Response.WriteAsJsonAsync(answer(body, vectors));
        }
    }
}

/// <summary>What a provider was asked.</summary>
internal sealed record ProviderRequest(string Path, string Authorization, JsonElement Body, string[] Texts);
