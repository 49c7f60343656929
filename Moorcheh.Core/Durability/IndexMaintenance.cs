using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// What keeps the indexes small and on disk, beside the uploads: their segments are tidied one after the other (<see cref="SegmentTidying"/>), and checkpoints
/// write all of them.
/// </summary>
internal sealed class IndexMaintenance(StoreState state, IndexFiles files, DiskState disk, WorkMarks? marks, TimeProvider time, ILogger logger)
{
    private const int LookIntervalMs = 250;
    private const int PauseAfterFailureMs = 60_000;

    private readonly BackgroundLoop _loop = new("index-maintenance", time, logger);
    private readonly SegmentTidying _segments = new(state.Records, files);
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private HashSet<Guid> _saved = [];
    private HashSet<Guid> _newest =
    [
        .. state.Namespaces.SelectMany(entry => entry.Index.Files().Append(entry.IndexToken)),
        .. state.Namespaces.SelectMany(entry => entry.Reembedding is { } next ? next.Index.Files().Append(next.IndexToken) : []),
    ];
    private HashSet<Guid> _older = [];

#pragma warning disable RS0030 // A failure is the disk's, which takes no part in a clock that a test moves.
    private static long Now => Environment.TickCount64;
#pragma warning restore RS0030

    public LoopStatus Loop => _loop.Status;

    public void Start() => _running = Task.Run(RunAsync);

    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Notes the state of all indexes for a checkpoint; nobody may change one meanwhile.</summary>
    public IReadOnlyList<(NamespaceEntry Entry, NamespaceIndex Index, IndexCapture Capture)> Capture()
    {
        List<(NamespaceEntry, NamespaceIndex, IndexCapture)> captures = [];
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            IndexCapture capture = entry.Index.Capture();
            entry.IndexToken = capture.Token;
            captures.Add((entry, entry.Index, capture));
            if (entry.Reembedding is { } next)
            {
                capture = next.Index.Capture();
                next.IndexToken = capture.Token;
                captures.Add((entry, next.Index, capture));
            }
        }

        return captures;
    }

    /// <summary>Writes what was noted. An index that cannot be written is made anew from the records when the checkpoint is opened.</summary>
    public async Task SaveAsync(IReadOnlyList<(NamespaceEntry Entry, NamespaceIndex Index, IndexCapture Capture)> captures)
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            HashSet<Guid> saved = [];
            foreach ((NamespaceEntry entry, NamespaceIndex index, IndexCapture capture) in captures)
            {
                try
                {
                    if (!capture.IsSaved && disk.ReadOnlyReason is null && entry.TidyEnds < WorkMarks.AloneFrom)
                    {
                        using IDisposable? mark = marks?.Begin(WorkOf(entry), entry.TidyEnds);
                        files.Save(capture);
                        index.MarkSaved(capture);
                    }
                }
                catch (Exception e)
                {
                    logger.IndexNotSaved(entry.Name, e);
                    NoteFlush(e);
                }

                saved.UnionWith(capture.Files);
            }

            _saved = saved;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Once the manifest of the checkpoint counts: deletes the files that neither of the last two checkpoints nor an index in memory needs.
    /// </summary>
    public async Task SweepAsync()
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            (_older, _newest) = (_newest, _saved);
            HashSet<Guid> kept = [.. _newest, .. _older];
            foreach (NamespaceEntry entry in state.Namespaces)
            {
                kept.UnionWith(entry.Index.Files());
                kept.UnionWith(entry.Reembedding?.Index.Files() ?? []);
            }

            files.Sweep(kept);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Does what there is to do for all indexes.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            try
            {
                if (Now < entry.TidyNotBefore)
                {
                    continue;
                }

                while (entry.State == NamespaceState.Active
                    && (await MarkedStepAsync(entry, entry.Index, cancellationToken).ConfigureAwait(false)
                        || (entry.Reembedding is { } next && await MarkedStepAsync(entry, next.Index, cancellationToken).ConfigureAwait(false))))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                }

                entry.TidyFailure = null;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // No room on the disk, or a damaged record: the index stays as it is, right but larger than it need be.
                if (entry.TidyFailure is null)
                {
                    logger.MaintenanceFailed(entry.Name, e);
                }

                entry.TidyFailure = e;
                NoteFlush(e);
                entry.TidyNotBefore = Now + PauseAfterFailureMs;
            }
        }
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(LookIntervalMs), time, _stopping.Token).ConfigureAwait(false);
            try
            {
                if (disk.ReadOnlyReason is null)
                {
                    await RunOnceAsync(_stopping.Token).ConfigureAwait(false);
                }

                NoteRound();
            }
            catch (Exception e) when (!_stopping.IsCancellationRequested)
            {
                _loop.Fail(e);
            }
        }
    }

    private void NoteRound()
    {
        if (state.Namespaces.FirstOrDefault(entry => entry.TidyFailure is not null)?.TidyFailure is { } failure)
        {
            _loop.Fail(failure, isTold: true);
        }
        else
        {
            _loop.Succeed();
        }
    }

    /// <summary>Files of indexes are no part of what must not be lost, but a disk that fails there is not to be trusted with the rest.</summary>
    private void NoteFlush(Exception failure)
    {
        if (failure is FlushException flush)
        {
            disk.FlushFailed(flush);
        }
    }

    private static WorkKey WorkOf(NamespaceEntry entry) => new(WorkKind.Index, entry.Incarnation);

    private async Task<bool> MarkedStepAsync(NamespaceEntry entry, NamespaceIndex index, CancellationToken cancellationToken)
    {
        if (marks is null || !index.HasWork)
        {
            return marks is null && await StepAsync(entry, index, cancellationToken).ConfigureAwait(false);
        }

        if (entry.TidyEnds >= WorkMarks.MaxEnds)
        {
            logger.TidyingGivenUp(entry.Name, entry.TidyEnds);
            entry.TidyNotBefore = long.MaxValue;
            return false;
        }

        bool isDone;
        using (await marks.BeginAsync([WorkOf(entry)], entry.TidyEnds, cancellationToken).ConfigureAwait(false))
        {
            isDone = await StepAsync(entry, index, cancellationToken).ConfigureAwait(false);
        }

        entry.TidyEnds = 0;
        return isDone;
    }

    /// <summary>Does one thing; false when there is nothing to do.</summary>
    private async Task<bool> StepAsync(NamespaceEntry entry, NamespaceIndex index, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await _segments.TidyAsync(entry, index, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }
}
