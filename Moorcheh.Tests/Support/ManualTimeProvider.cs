using Microsoft.Extensions.Time.Testing;

namespace Moorcheh.Tests.Support;

/// <summary>A clock that stands still until it is moved, and can be moved until what stands on it is done.</summary>
internal sealed class ManualTimeProvider() : FakeTimeProvider(new DateTimeOffset(2026, 5, 21, 12, 0, 0, TimeSpan.Zero))
{
    /// <summary>Moves the clock in small steps until a task has completed.</summary>
    public async Task AdvanceUntilAsync(Task task, CancellationToken cancellationToken)
    {
        while (!task.IsCompleted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        await task;
    }

    /// <summary>Moves the clock in small steps until a condition holds, at fifty times its speed, so that what takes real time is not overtaken by hours.</summary>
    public async Task AdvanceUntilAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (!condition())
        {
            Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(1, cancellationToken);
        }
    }
}
