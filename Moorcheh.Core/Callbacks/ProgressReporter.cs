using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Callbacks;

/// <summary>
/// Says how far tasks are, to those who want to know. A report is a journal entry that nobody waits for; the message is sent when a later commit has it
/// on disk. A task that starts anew after a crash says only what is more than it said before.
/// </summary>
internal sealed class ProgressReporter(StoreState state, IJournal journal, CheckpointGate gate, MoorchehOptions options)
{
    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(1);

    /// <summary>A step begins.</summary>
    public ValueTask BeginAsync(ArtifactTaskEntry task, CallbackStep step) => SayAsync(task, step, 0);

    /// <summary>A step ends.</summary>
    public ValueTask EndAsync(ArtifactTaskEntry task, CallbackStep step) => SayAsync(task, step, TaskCallback.Whole);

    /// <summary>A step goes on: at most one message a second.</summary>
    /// <param name="task">The task.</param>
    /// <param name="step">The step.</param>
    /// <param name="done">Less than <paramref name="total"/>, or nothing is said: the end of a step is for others to tell.</param>
    /// <param name="total">All there is to do.</param>
    public ValueTask ContinueAsync(ArtifactTaskEntry task, CallbackStep step, long done, long total) =>
        done < total && task.Callback is { } callback && options.TimeProvider.GetElapsedTime(callback.SaidAt) >= MinPause
            ? SayAsync(task, step, (int)(TaskCallback.Whole * done / total))
            : ValueTask.CompletedTask;

    private async ValueTask SayAsync(ArtifactTaskEntry task, CallbackStep step, int hundredths)
    {
        if (task.Callback is not { WantsProgress: true } callback || !state.Messages.IsOn)
        {
            return;
        }

        callback.SaidAt = options.TimeProvider.GetTimestamp(); // Also when it was said before a restart.
        if (!IsNews(callback, step, hundredths))
        {
            return;
        }

        if (state.Outbox.IsFull)
        {
            state.Outbox.Refuse();
            return;
        }

        using (await gate.EnterChangeAsync().ConfigureAwait(false))
        {
            Append(task, callback, step, hundredths);
        }
    }

    private void Append(ArtifactTaskEntry task, TaskCallback callback, CallbackStep step, int hundredths)
    {
        var writer = new ByteWriter(64);

        // The lock of the queue: whoever ends the task numbers its last message after those that are in the journal before its end.
        lock (state.Artifacts.Lock)
        {
            if (task.IsEnding || task.IsFinished)
            {
                return;
            }

            var progress = new CallbackProgress(task.Id, callback.LastNumber + 1, options.TimeProvider.GetUtcNow(), step, hundredths);
            progress.Write(writer);
            journal.Append(JournalEntryType.CallbackProgress, writer.Written);
            state.Messages.Apply(task, progress, isDurable: false);
        }

        CrashPoints.Pass(CrashPoints.CallbackProgressAppended);
    }

    private static bool IsNews(TaskCallback callback, CallbackStep step, int hundredths)
    {
        lock (callback.Lock)
        {
            return callback.IsNews(step, hundredths);
        }
    }
}
