using Moorcheh.Diagnostics;
using Moorcheh.Index;
using Moorcheh.Index.Postings;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// Tidies the segments of an index: full ones are packed and their eight-bit codes mapped from a file, those with many dead slots are rewritten, small ones
/// put together. A writer waits only while a finished segment is put in its place.
/// </summary>
internal sealed class SegmentTidying(IRecordStore records, IndexFiles files)
{
    /// <summary>Does one thing; false when there is nothing to do.</summary>
    /// <param name="entry">The namespace.</param>
    /// <param name="index">Its index, or the one that a re-embedding builds.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<bool> TidyAsync(NamespaceEntry entry, NamespaceIndex index, CancellationToken cancellationToken)
    {
        if (index.FindUnsealed() is { } full)
        {
            Guid file = full.Segment.File == Guid.Empty ? files.Write(full.View) : full.Segment.File;
            MappedByteRows rows = files.Map(file, full.View);
            SealedPostings postings = full.View.Postings.Pack();
            ValueRun values = full.View.Values.Pack();
            bool isSealed = await ExchangeAsync(
                entry, () => index.Seal(full.Segment, postings, values, rows, file), cancellationToken).ConfigureAwait(false);
            CrashPoints.Pass(CrashPoints.IndexSegmentSealed);
            return isSealed;
        }

        if (index.FindSparse() is { } sparse)
        {
            Segment rewritten = Segment.Rewrite(sparse.View, out int[] newSlots);
            Seal(rewritten);
            return await ExchangeAsync(entry, () => index.Replace(sparse.Segment, rewritten, newSlots), cancellationToken).ConfigureAwait(false);
        }

        return index.FindMergeable() is { } pair
            && await MergeAsync(entry, index, pair.Into, pair.IntoView, pair.From, pair.FromView, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts two segments together. Codes are relative to a segment's centre, so those of the smaller one are made anew from its records.</summary>
    private async Task<bool> MergeAsync(
        NamespaceEntry entry, NamespaceIndex index, Segment into, SegmentView intoView, Segment from, SegmentView fromView, CancellationToken cancellationToken)
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

            using RecordLease lease = await records.ReadAsync(entry.ItemKey(fromView.RecordNumber(slot))).ConfigureAwait(false);
            if (lease.IsFound)
            {
                ItemRecord item = ItemRecord.Parse(lease.Body);
                UnitVector.Write(item.Vector, unit);
                fromSlots[slot] = merged.Append(item.Id, unit, fromView.RecordNumber(slot), item.Metadata, item.Text, scratch);
            }
            else if (entry.Index != index && entry.Reembedding?.Index != index)
            {
                return false; // Another index has taken its place, or what a re-embedding had built was dropped.
            }
            else if (from.IsLive(slot))
            {
                throw new InvalidDataException($"The record of slot {slot} of a segment is missing."); // Searches that meet it say so.
            }

            cancellationToken.ThrowIfCancellationRequested();
        }

        Seal(merged);
        return await ExchangeAsync(entry, () => index.Merge(into, from, merged, intoSlots, fromSlots), cancellationToken).ConfigureAwait(false);
    }

    private void Seal(Segment segment)
    {
        if (segment.Count > 0)
        {
            SegmentView view = segment.View();
            Guid file = files.Write(view);
            segment.Seal(view.Postings.Pack(), view.Values.Pack(), files.Map(file, view));
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
