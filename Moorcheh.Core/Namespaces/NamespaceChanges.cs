using Moorcheh.Storage;

namespace Moorcheh.Namespaces;

/// <summary>
/// Keeps a namespace in memory and its entries in the journal in step. An entry that was appended takes effect before anything else is
/// appended for the namespace: a commit that failed may still have reached the disk, or will with the next one, so the entry is never
/// written a second time. Call with the namespace's write lock, inside the gate.
/// </summary>
internal static class NamespaceChanges
{
    /// <summary>Commits what was appended for the namespace, then applies it. When the commit fails, <see cref="FinishAsync"/> tries again.</summary>
    public static Task CarryOutAsync(NamespaceEntry entry, IJournal journal, Func<ValueTask> apply)
    {
        entry.Unfinished = apply;
        return FinishAsync(entry, journal);
    }

    /// <summary>Carries out what an earlier call left; call before appending anything.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFailed"/>: the namespace is stopped.</exception>
    public static async Task FinishAsync(NamespaceEntry entry, IJournal journal)
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
}
