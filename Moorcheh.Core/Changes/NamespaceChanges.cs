using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// Keeps a namespace in memory and its entries in the journal in step. An entry that was appended takes effect before anything else is
/// appended for the namespace: a commit that failed may still have reached the disk, or will with the next one, so the entry is never
/// written a second time.
/// </summary>
internal static class NamespaceChanges
{
    /// <summary>
    /// Runs a change of a namespace: with its write lock, inside the gate, after what an earlier change left. Always the lock first, then the
    /// gate: a checkpoint that waits at the gate must not wait for a lock held behind it.
    /// </summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFailed"/>: the namespace is stopped.</exception>
    public static async Task<T> RunAsync<T>(
        NamespaceEntry entry, CheckpointGate gate, IJournal journal, Func<Task<T>> change, CancellationToken cancellationToken)
    {
        await entry.WriteLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using (await gate.EnterChangeAsync().ConfigureAwait(false))
            {
                await FinishAsync(entry, journal).ConfigureAwait(false);
                return await change().ConfigureAwait(false);
            }
        }
        finally
        {
            entry.WriteLock.Release();
        }
    }

    /// <summary>Carries out what an earlier change of a namespace left.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFailed"/>: the namespace is stopped.</exception>
    public static Task FinishAsync(NamespaceEntry entry, CheckpointGate gate, IJournal journal, CancellationToken cancellationToken) =>
        RunAsync(entry, gate, journal, () => Task.FromResult(true), cancellationToken);

    /// <summary>Inside a change: commits what it appended, then applies it. When the commit fails, the next change tries again.</summary>
    public static Task CarryOutAsync(NamespaceEntry entry, IJournal journal, Func<ValueTask> apply)
    {
        entry.Unfinished = apply;
        return FinishAsync(entry, journal);
    }

    /// <summary>Stops a namespace some of whose entries are in the journal, but not all that belong together.</summary>
    public static void Stop(NamespaceEntry entry, Exception cause) => entry.Failure = cause;

    /// <summary>Throws when the namespace takes no more changes.</summary>
    public static void CheckNotStopped(NamespaceEntry entry)
    {
        if (entry.Failure is { } failure)
        {
            throw new MoorchehException(
                ErrorCodes.StorageFailed,
                $"Namespace '{entry.Name}' takes no changes until the store is opened again: one that is in the journal could not be carried out. {failure.Message}",
                failure);
        }
    }

    private static async Task FinishAsync(NamespaceEntry entry, IJournal journal)
    {
        CheckNotStopped(entry);
        if (entry.Unfinished is not { } apply)
        {
            return;
        }

        await journal.CommitAsync().ConfigureAwait(false);
        try
        {
            await apply().ConfigureAwait(false);
            entry.Unfinished = null;
        }
        catch (Exception e)
        {
            // Some of it is done and cannot be done twice. The journal has it as a whole.
            entry.Failure = e;
            CheckNotStopped(entry);
        }
    }
}
