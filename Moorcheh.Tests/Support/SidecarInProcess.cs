using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moorcheh.Http;
using Moorcheh.Sidecar;

namespace Moorcheh.Tests.Support;

/// <summary>The sidecar as its program sets it up, on a free port and over a fresh directory, with all of its log kept.</summary>
internal sealed class SidecarInProcess : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TemporaryDirectory _directory;

    private SidecarInProcess(WebApplication app, TemporaryDirectory directory, RecordingLogger log)
    {
        _app = app;
        _directory = directory;
        Log = log;
        Api = new ApiClient(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()));
    }

    public ApiClient Api { get; }

    public RecordingLogger Log { get; }

    public static async Task<SidecarInProcess> StartAsync(params string[] arguments)
    {
        var directory = new TemporaryDirectory();
        var log = new RecordingLogger();
        WebApplicationBuilder builder = SidecarHost.CreateBuilder(["--server-port", "0", "--data-directory", directory.Path, .. arguments]);
        builder.Configuration["Logging:LogLevel:Default"] = "Trace";
        builder.Logging.ClearProviders().AddProvider(log);
        WebApplication app = builder.Build();
        app.UseSidecar();
        app.MapMoorcheh();
        app.MapMoorchehFallback();
        await app.StartAsync();
        await app.Services.GetRequiredService<MoorchehHostedStore>().Opened;
        return new SidecarInProcess(app, directory, log);
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await _app.DisposeAsync();
        _directory.Dispose();
    }
}
