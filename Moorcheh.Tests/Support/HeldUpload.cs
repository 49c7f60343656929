using Moorcheh.Diagnostics;

namespace Moorcheh.Tests.Support;

/// <summary>Holds the worker of the next upload in the middle of its step, until it is disposed.</summary>
internal sealed class HeldUpload : IDisposable
{
    private readonly ManualResetEventSlim _mayGoOn = new();
    private readonly TaskCompletionSource _isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HeldUpload() => CrashPoints.Reached = point =>
    {
        if (point == CrashPoints.UploadStoring && _isHeld.TrySetResult())
        {
            _mayGoOn.Wait();
        }
    };

    /// <summary>Completes when the worker is held.</summary>
    public Task IsHeld => _isHeld.Task;

    public void Dispose()
    {
        CrashPoints.Reached = null;
        _mayGoOn.Set();
    }
}
