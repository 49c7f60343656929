using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moorcheh.Http;

namespace Moorcheh.Tests.Support;

/// <summary>
/// The REST adapter in a host of its own: a real server on a free port of 127.0.0.1, over a fresh directory unless one is given.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TemporaryDirectory? _ownDirectory;

    private TestServer(WebApplication app, TemporaryDirectory? ownDirectory, RecordingLogger log)
    {
        _app = app;
        _ownDirectory = ownDirectory;
        Log = log;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Api = new ApiClient(Address);
    }

    public Uri Address { get; }

    public ApiClient Api { get; }

    public RecordingLogger Log { get; }

    public MoorchehStore Store => _app.Services.GetRequiredService<MoorchehStore>();

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts a server.</summary>
    /// <param name="configure">Changes the settings of the store; it has a <see cref="TestEmbedder"/> unless this takes it away.</param>
    /// <param name="http">Changes the settings of the adapter.</param>
    /// <param name="map">Maps the routes; by default <c>MapMoorcheh</c> and its fallback at the root.</param>
    /// <param name="services">Adds services.</param>
    /// <param name="directory">Directory of the store; null for a fresh one.</param>
    public static async Task<TestServer> StartAsync(
        Action<MoorchehHostOptions>? configure = null,
        Action<MoorchehHttpOptions>? http = null,
        Action<WebApplication>? map = null,
        Action<IServiceCollection>? services = null,
        string? directory = null)
    {
        TemporaryDirectory? own = directory is null ? new TemporaryDirectory() : null;
        var log = new RecordingLogger();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddMoorcheh(host =>
        {
            host.DataDirectory = directory ?? own!.Path;
            host.Store.Embedding.Generator = new TestEmbedder();
            configure?.Invoke(host);
        });
        builder.Services.Configure<MoorchehHttpOptions>(options => http?.Invoke(options));
        services?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        if (map is null)
        {
            app.MapMoorcheh();
            app.MapMoorchehFallback();
        }
        else
        {
            map(app);
        }

        await app.StartAsync();
        return new TestServer(app, own, log);
    }

    /// <summary>Begins to stop, and completes when the server has stopped.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await _app.DisposeAsync();
        _ownDirectory?.Dispose();
    }
}
