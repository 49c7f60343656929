using Microsoft.Extensions.Logging;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Index.Postings;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// What keeps the indexes small and on disk, beside the uploads: full segments are packed and their eight-bit codes mapped from a file,
/// segments with many dead slots are rewritten, small ones put together, and checkpoints write all of it. A writer waits only while a
/// finished segment is put in its place.
/// </summary>
internal sealed class IndexMaintenance(StoreState state, IndexFiles files, DiskState disk, WorkMarks? marks, TimeProvider time, ILogger logger)
{
    private const int LookIntervalMs = 250;
    private const int PauseAfterFailureMs = 60_000;

    private readonly BackgroundLoop _loop = new("index-maintenance", time, logger);
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private HashSet<Guid> _saved = [];
    private HashSet<Guid> _newest = [.. state.Namespaces.SelectMany(entry => entry.Index.Files().Append(entry.IndexToken))];
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
    public IReadOnlyList<(NamespaceEntry Entry, IndexCapture Capture)> Capture()
    {
        List<(NamespaceEntry, IndexCapture)> captures = [];
        foreach (NamespaceEntry entry in state.Namespaces)
        {
            IndexCapture capture = entry.Index.Capture();
            entry.IndexToken = capture.Token;
            captures.Add((entry, capture));
        }

        return captures;
    }

    /// <summary>Writes what was noted. An index that cannot be written is made anew from the records when the checkpoint is opened.</summary>
    public async Task SaveAsync(IReadOnlyList<(NamespaceEntry Entry, IndexCapture Capture)> captures)
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            HashSet<Guid> saved = [];
            foreach ((NamespaceEntry entry, IndexCapture capture) in captures)
            {
                try
                {
                    if (!capture.IsSaved && disk.ReadOnlyReason is null && entry.TidyEnds < WorkMarks.AloneFrom)
                    {
                        using IDisposable? mark = marks?.Begin(WorkOf(entry), entry.TidyEnds);
                        files.Save(capture);
                        entry.Index.MarkSaved(capture);
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

                while (entry.State == NamespaceState.Active && await MarkedStepAsync(entry, cancellationToken).ConfigureAwait(false))
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

    private async Task<bool> MarkedStepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        if (marks is null || !entry.Index.HasWork)
        {
            return marks is null && await StepAsync(entry, cancellationToken).ConfigureAwait(false);
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
            isDone = await StepAsync(entry, cancellationToken).ConfigureAwait(false);
        }

        entry.TidyEnds = 0;
        return isDone;
    }

    /// <summary>Does one thing; false when there is nothing to do.</summary>
    private async Task<bool> StepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (entry.Index.FindUnsealed() is { } full)
            {
                Guid file = full.Segment.File == Guid.Empty ? files.Write(full.View) : full.Segment.File;
                MappedByteRows rows = files.Map(file, full.View);
                SealedPostings postings = full.View.Postings.Pack();
                bool isSealed = await ExchangeAsync(
                    entry, () => entry.Index.Seal(full.Segment, postings, rows, file), cancellationToken).ConfigureAwait(false);
                CrashPoints.Pass(CrashPoints.IndexSegmentSealed);
                return isSealed;
            }

            if (entry.Index.FindSparse() is { } sparse)
            {
                Segment rewritten = Segment.Rewrite(sparse.View, out int[] newSlots);
                Seal(rewritten);
                return await ExchangeAsync(entry, () => entry.Index.Replace(sparse.Segment, rewritten, newSlots), cancellationToken).ConfigureAwait(false);
            }

            return entry.Index.FindMergeable() is { } pair
                && await MergeAsync(entry, pair.Into, pair.IntoView, pair.From, pair.FromView, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Puts two segments together. Codes are relative to a segment's centre, so those of the smaller one are made anew from its records.</summary>
    private async Task<bool> MergeAsync(
        NamespaceEntry entry, Segment into, SegmentView intoView, Segment from, SegmentView fromView, CancellationToken cancellationToken)
    {
        Segment merged = Segment.Rewrite(intoView, out int[] intoSlots);
        int[] fromSlots = new int[fromView.Count];
        float[] unit = new float[fromView.Dimension];
        float[] scratch = new float[fromView.Rotation.PaddedDimension];
        for (int slot = 0; slot < fromView.Count; slot++)
        {
            fromSlots[slot] = -1;
            if (!from.IsLive(slot))
            {
                continue;
            }

            using RecordLease lease = await state.Records.ReadAsync(entry.ItemKey(fromView.RecordNumber(slot))).ConfigureAwait(false);
            if (lease.IsFound)
            {
                ItemRecord item = ItemRecord.Parse(lease.Body);
                UnitVector.Write(item.Vector, unit);
                fromSlots[slot] = merged.Append(item.Id, unit, fromView.RecordNumber(slot), item.Metadata, item.Text, scratch);
            }
            else if (from.IsLive(slot))
            {
                throw new InvalidDataException($"The record of slot {slot} of a segment is missing."); // Searches that meet it say so.
            }

            cancellationToken.ThrowIfCancellationRequested();
        }

        Seal(merged);
        return await ExchangeAsync(entry, () => entry.Index.Merge(into, from, merged, intoSlots, fromSlots), cancellationToken).ConfigureAwait(false);
    }

    private void Seal(Segment segment)
    {
        if (segment.Count > 0)
        {
            SegmentView view = segment.View();
            Guid file = files.Write(view);
            segment.Seal(view.Postings.Pack(), files.Map(file, view));
            segment.File = file;
        }
    }

    /// <summary>Changes an index while its writer is not at work: a search never sees half of the writer's step.</summary>
    private static async Task<bool> ExchangeAsync(NamespaceEntry entry, Func<bool> exchange, CancellationToken cancellationToken)
    {
        await entry.WriteLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return exchange();
        }
        finally
        {
            entry.WriteLock.Release();
        }
    }
}
