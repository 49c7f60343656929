using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>The store of the host, while it can be used.</summary>
internal sealed class StoreAccess(IServiceProvider services)
{
    private readonly Lazy<Func<MoorchehStore?>> _find = new(() => Finder(services));
    private readonly IHostApplicationLifetime _lifetime = services.GetRequiredService<IHostApplicationLifetime>();

    /// <summary>Fires when the host begins to stop.</summary>
    public CancellationToken Stopping => _lifetime.ApplicationStopping;

    /// <summary>The store.</summary>
    /// <exception cref="MoorchehException"><c>not-ready</c> or <c>shutting-down</c>.</exception>
    public MoorchehStore Store => Stopping.IsCancellationRequested
        ? throw RequestErrors.ShuttingDown()
        : _find.Value() ?? throw RequestErrors.NotReady();

    /// <summary>The store; null while it is loading or closing.</summary>
    public MoorchehStore? Find() => Stopping.IsCancellationRequested ? null : _find.Value();

    /// <summary>Hosts use <c>AddMoorcheh</c>, or register a store they have opened themselves.</summary>
    private static Func<MoorchehStore?> Finder(IServiceProvider services)
    {
        if (services.GetService<MoorchehHostedStore>() is { } hosted)
        {
            return () => hosted.Current;
        }

        MoorchehStore store = services.GetRequiredService<MoorchehStore>();
        return () => store;
    }
}
