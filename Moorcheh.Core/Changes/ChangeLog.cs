using System.Collections.Concurrent;
using Moorcheh.Diagnostics;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// The way of a change: into the journal, to the disk, and then into the state. It keeps a namespace in memory and its entries in the journal in step: an entry
/// that was appended takes effect before anything else is appended for the namespace. A commit that failed may still have reached the disk, or will with the
/// next one, so an entry is never written a second time. Safe for use from several threads.
/// </summary>
internal sealed class ChangeLog(StoreState state, IJournal journal, DiskState disk)
{
    /// <summary>Buffers that are kept for later entries; each may have grown to the longest entry there is.</summary>
    private const int MaxIdleWriters = 4;

    private readonly CheckpointGate _gate = new();
    private readonly ConcurrentQueue<ByteWriter> _writers = new();
    private readonly ChangeContext _context = new(state, new ChunkReader(address => journal.Read(address, JournalEntryType.UploadChunk)));

    /// <summary>
    /// Enters the gate for a change that belongs to no namespace, or brings its own order; dispose the result to leave. A change of a namespace
    /// goes through <see cref="RunAsync"/>.
    /// </summary>
    public ValueTask<CheckpointGate.Change> EnterAsync() => _gate.EnterChangeAsync();

    /// <summary>Enters the gate for a checkpoint: no change is under way until the result is disposed.</summary>
    public ValueTask<CheckpointGate.Checkpoint> EnterCheckpointAsync() => _gate.EnterCheckpointAsync();

    /// <summary>
    /// Runs a change of a namespace: with its write lock, inside the gate, after what an earlier change left. Always the lock first, then the
    /// gate: a checkpoint that waits at the gate must not wait for a lock held behind it.
    /// </summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageFailed"/>: the namespace is stopped.</exception>
    public async Task<T> RunAsync<T>(NamespaceEntry entry, Func<Task<T>> change, CancellationToken cancellationToken = default)
    {
        await entry.WriteLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using (await EnterAsync().ConfigureAwait(false))
            {
                await CarryOutAsync(entry).ConfigureAwait(false);
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
    public Task FinishAsync(NamespaceEntry entry, CancellationToken cancellationToken = default) =>
        RunAsync(entry, () => Task.FromResult(true), cancellationToken);

    /// <summary>Appends a change. It is not on disk yet.</summary>
    /// <returns>The address of its entry.</returns>
    public long Append(IChange change)
    {
        ByteWriter writer = _writers.TryDequeue(out ByteWriter? idle) ? idle : new ByteWriter();
        writer.Clear();
        change.Write(writer);
        long address = journal.Append(change.Type, writer.Written);
        if (_writers.Count < MaxIdleWriters)
        {
            _writers.Enqueue(writer);
        }

        return address;
    }

    /// <summary>Appends payload that a change will refer to.</summary>
    /// <returns>The address of its entry.</returns>
    public long Append(JournalEntryType type, ReadOnlySpan<byte> payload) => journal.Append(type, payload);

    /// <summary>Reads an entry that is on disk.</summary>
    public ReadOnlyMemory<byte> Read(long address, JournalEntryType type) => journal.Read(address, type);

    /// <summary>Completes when everything appended before the call is on disk.</summary>
    public Task CommitAsync() => journal.CommitAsync();

    /// <summary>
    /// Commits what was appended, again and again until that succeeds: after a commit that failed the entries may be on disk all the same, so what they say
    /// must happen.
    /// </summary>
    /// <param name="stopping">When it is given up; without it, when the store is closing.</param>
    public async Task InsistAsync(CancellationToken stopping = default)
    {
        for (bool isRetry = false; ; isRetry = true)
        {
            try
            {
                await journal.CommitAsync().ConfigureAwait(false);
                if (isRetry)
                {
                    disk.Recovered();
                }

                return;
            }
            catch (Exception e) when (!(stopping.CanBeCanceled ? stopping.IsCancellationRequested : disk.IsClosing))
            {
                disk.Failed(e);
                await Task.Delay(DiskState.RetryPause, TimeProvider.System, stopping).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Applies a change that is on disk, or whose effect is nothing that a crash may not take back.</summary>
    public ValueTask ApplyAsync(IChange change) => change.ApplyAsync(_context);

    /// <summary>Inside <see cref="RunAsync"/>: appends a change, commits and applies it. When the commit fails, the next change of the namespace tries again.</summary>
    /// <param name="entry">The namespace.</param>
    /// <param name="change">The change.</param>
    /// <param name="point">Passed between the commit and the effect.</param>
    public Task ChangeAsync(NamespaceEntry entry, IChange change, string? point = null)
    {
        Append(change);
        return CarryOutAsync(entry, [change], point);
    }

    /// <summary>
    /// Inside <see cref="RunAsync"/>: commits changes that were appended, then applies them. When the commit fails, the next change of the namespace
    /// tries again.
    /// </summary>
    /// <param name="entry">The namespace.</param>
    /// <param name="changes">All that were appended, in order.</param>
    /// <param name="point">Passed between the commit and the effects.</param>
    public Task CarryOutAsync(NamespaceEntry entry, IReadOnlyList<IChange> changes, string? point = null)
    {
        entry.Unfinished = async () =>
        {
            if (point is not null)
            {
                CrashPoints.Pass(point);
            }

            foreach (IChange change in changes)
            {
                await ApplyAsync(change).ConfigureAwait(false);
            }
        };
        return CarryOutAsync(entry);
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

    private async Task CarryOutAsync(NamespaceEntry entry)
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
