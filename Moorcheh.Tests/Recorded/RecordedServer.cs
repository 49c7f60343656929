using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moorcheh.Http;
using Moorcheh.Http.Sidecar;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>The sidecar as its process builds it, but within this one: with the test embedder, and a time that the test sets.</summary>
internal sealed class RecordedServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly WebApplication _app;
    private readonly SteppedClock _clock;

    private RecordedServer(TemporaryDirectory directory, WebApplication app, GatedEmbedder embedder, SteppedClock clock)
    {
        (_directory, _app, Embedder, _clock) = (directory, app, embedder, clock);
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public Uri Address { get; }

    public string Directory => _directory.Path;

    public GatedEmbedder Embedder { get; }

    private MoorchehStore Store => _app.Services.GetRequiredService<MoorchehStore>();

    public static async Task<RecordedServer> StartAsync(IReadOnlyList<string> arguments, bool hasEmbedder)
    {
        var directory = new TemporaryDirectory();
        var embedder = new GatedEmbedder(new TestEmbedder { FailingWord = RecordedSession.Poison });
        var clock = new SteppedClock();
        WebApplicationBuilder builder = SidecarHost.CreateBuilder(
            ["--data-directory", directory.Path, "--server-port", "0", "--embedding-provider", "none", .. arguments]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(clock);
        if (hasEmbedder)
        {
            builder.Services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(embedder);
        }

        WebApplication app = builder.Build();
        app.UseSidecar();
        app.MapMoorcheh();
        app.MapMoorchehArtifacts();
        app.MapMoorchehFallback();
        await app.StartAsync();
        while (app.Services.GetRequiredService<MoorchehHostedStore>().Current is null)
        {
            await Task.Delay(5, TestStore.Token);
        }

        return new RecordedServer(directory, app, embedder, clock);
    }

    /// <summary>Sets the time of the store.</summary>
    public void ShowTime(int step) => _clock.Step = step;

    /// <summary>Waits until so many jobs and tasks, and no more, have not finished.</summary>
    public async Task UntilRunningAsync(int count)
    {
        while (Store.GetStatus() is var status && (status.RunningJobs != count || status.WaitingCallbacks > 0))
        {
            await Task.Delay(1, TestStore.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Embedder.OpenAll();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Embedder.Dispose();
        _directory.Dispose();
    }

    /// <summary>Shows the same time during a step; what waits for time to pass does so as ever.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 5, 21, 12, 0, 0, 250, TimeSpan.Zero);

        public int Step { get; set; }

        public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromSeconds(Step);
    }
}
