using System.Threading.Channels;

namespace Moorcheh.Jobs;

/// <summary>A fixed number of workers that take what waits, in turn. They stop at the next safe point of each when the store closes.</summary>
/// <param name="workers">Their number.</param>
/// <param name="work">Works on one; the token is cancelled when the store is closing. After whatever else it throws it is given the same one again after a pause.</param>
/// <param name="clock">For pauses and patience.</param>
/// <param name="loop">Told of what it throws; of its successes by whoever knows what one is.</param>
internal sealed class WorkerPool<T>(int workers, Func<T, CancellationToken, Task> work, TimeProvider clock, BackgroundLoop loop)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(10);

    private readonly Channel<T> _waiting = Channel.CreateUnbounded<T>();
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    public void Start() => _running = Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync)));

    /// <summary>Puts one behind the others. Refused once the store is closing.</summary>
    public void Add(T item) => _waiting.Writer.TryWrite(item);

    /// <summary>Puts one behind the others after a pause, which holds no worker and grows with the attempts that failed.</summary>
    public void AddAfterFailure(T item, int attempt) => _ = AddAfterAsync(item, Backoff.Pause(FirstPause, MaxPause, attempt));

    /// <summary>Stops at the next safe point of each worker.</summary>
    /// <returns>False when the time was over before all workers stopped.</returns>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        _waiting.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await _running.WaitAsync(patience, clock).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (T item in _waiting.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                try
                {
                    await work(item, _stopping.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (!_stopping.IsCancellationRequested)
                {
                    loop.Fail(e);
                    AddAfterFailure(item, loop.Failures);
                }
            }
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            // The store is closing; what waits goes on when it is opened again.
        }
    }

    private async Task AddAfterAsync(T item, TimeSpan pause)
    {
        await Task.Delay(pause, clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Add(item);
    }
}
