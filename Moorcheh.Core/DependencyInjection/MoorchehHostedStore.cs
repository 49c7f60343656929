using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Moorcheh.Diagnostics;

namespace Moorcheh;

/// <summary>Opens the store when the host starts and closes it when the container is disposed. Safe for use from several threads.</summary>
public sealed class MoorchehHostedStore : IHostedService, IAsyncDisposable
{
    private readonly MoorchehHostOptions _options;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<MoorchehHostedStore> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<MoorchehStore> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _opening = Task.CompletedTask;

    /// <summary>Made by the container.</summary>
    public MoorchehHostedStore(
        IOptions<MoorchehHostOptions> options, IHostApplicationLifetime lifetime, ILogger<MoorchehHostedStore> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Value;
        _lifetime = lifetime;
        _logger = logger;
    }

    /// <summary>The store once it is open; null before that.</summary>
#pragma warning disable RS0030 // The task has completed: nothing waits.
    public MoorchehStore? Current => _opened.Task.IsCompletedSuccessfully ? _opened.Task.Result : null;
#pragma warning restore RS0030

    /// <summary>Completes with the store once it is open; fails with the error of opening it.</summary>
    public Task<MoorchehStore> Opened => _opened.Task;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _opening = OpenAsync();
        if (!_options.OpenInBackground)
        {
            await _opened.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Closes the store: running jobs reach a safe point first.</summary>
    public async Task StopAsync(CancellationToken cancellationToken) => await DisposeAsync().ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
        }

        await _opening.ConfigureAwait(false);
        if (Current is { } store)
        {
            await store.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task OpenAsync()
    {
        // Leaves the caller at once: recovery is mostly synchronous work.
        await Task.Yield();
        try
        {
            _opened.SetResult(await MoorchehStore.OpenAsync(_options.DataDirectory, _options.Store, _stopping.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            _opened.SetCanceled(CancellationToken.None);
        }
        catch (Exception e)
        {
            _opened.SetException(e);
            if (_options.OpenInBackground)
            {
                _logger.StoreNotOpened(_options.DataDirectory, e);
                Environment.ExitCode = 1;
                _lifetime.StopApplication();
            }
        }
    }
}
