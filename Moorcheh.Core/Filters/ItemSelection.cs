using System.Numerics;
using Moorcheh.Index;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Filters;

/// <summary>Finds the items of a namespace that pass a filter, as they are at one moment. Takes no lock, except in its last attempt.</summary>
internal sealed class ItemSelection(IRecordStore records)
{
    /// <summary>Tries to read what has to be read of one snapshot; a record is gone when its item was replaced or deleted since.</summary>
    private const int MaxAttempts = 10;

    /// <summary>Number of items.</summary>
    /// <param name="entry">The namespace.</param>
    /// <param name="filter">Null for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async Task<long> CountAsync(NamespaceEntry entry, FilterNode? filter, CancellationToken cancellationToken)
    {
        if (filter is null)
        {
            return entry.Index.Snapshot.Count;
        }

        long count = 0;
        foreach ((_, ulong[] mask) in await SelectAsync(entry, filter, cancellationToken).ConfigureAwait(false))
        {
            foreach (ulong word in mask)
            {
                count += BitOperations.PopCount(word);
            }
        }

        return count;
    }

    /// <summary>Ids of the items, UTF-8.</summary>
    public async Task<Queue<byte[]>> FindIdsAsync(NamespaceEntry entry, FilterNode filter, CancellationToken cancellationToken)
    {
        Queue<byte[]> ids = [];
        foreach ((SegmentView segment, ulong[] mask) in await SelectAsync(entry, filter, cancellationToken).ConfigureAwait(false))
        {
            for (int block = 0; block < mask.Length; block++)
            {
                for (ulong left = mask[block]; left != 0; left &= left - 1)
                {
                    ids.Enqueue(segment.Id((block * 64) + BitOperations.TrailingZeroCount(left)).ToArray());
                }
            }
        }

        return ids;
    }

    /// <summary>True when an item is there and passes. For a writer of the namespace, which nobody changes meanwhile.</summary>
    public async ValueTask<bool> PassesAsync(NamespaceEntry entry, byte[] id, FilterNode filter)
    {
        long record = entry.Index.FindRecord(id);
        if (record < 0)
        {
            return false;
        }

        using RecordLease lease = await records.ReadAsync(entry.ItemKey(record)).ConfigureAwait(false);
        return lease.IsFound ? filter.Matches(lease.Body) : throw NamespaceTable.RecordMissing(entry, id);
    }

    private async Task<List<(SegmentView Segment, ulong[] Mask)>> SelectAsync(NamespaceEntry entry, FilterNode filter, CancellationToken cancellationToken)
    {
        for (int attempt = 1; attempt < MaxAttempts; attempt++)
        {
            if (await TrySelectAsync(entry, filter, isLast: false, cancellationToken).ConfigureAwait(false) is { } found)
            {
                return found;
            }
        }

        await entry.WriteLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return (await TrySelectAsync(entry, filter, isLast: true, cancellationToken).ConfigureAwait(false))!;
        }
        finally
        {
            entry.WriteLock.Release();
        }
    }

    /// <returns>Null when a record is gone.</returns>
    private async Task<List<(SegmentView Segment, ulong[] Mask)>?> TrySelectAsync(
        NamespaceEntry entry, FilterNode filter, bool isLast, CancellationToken cancellationToken)
    {
        List<(SegmentView, ulong[])> found = [];
        foreach (SegmentView segment in entry.Index.Snapshot.Segments)
        {
            ulong[] mask = segment.Live.ToArray();
            ulong[]? open = FilterBits.AndInto(filter, segment, mask);
            for (int block = 0; open is not null && block < mask.Length; block++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (ulong left = open[block]; left != 0; left &= left - 1)
                {
                    int slot = (block * 64) + BitOperations.TrailingZeroCount(left);
                    using RecordLease lease = await records.ReadAsync(entry.ItemKey(segment.RecordNumber(slot))).ConfigureAwait(false);
                    if (!lease.IsFound)
                    {
                        return isLast ? throw NamespaceTable.RecordMissing(entry, segment.Id(slot)) : null;
                    }

                    if (!filter.Matches(lease.Body))
                    {
                        mask[block] &= ~(1UL << slot);
                    }
                }
            }

            found.Add((segment, mask));
        }

        return found;
    }
}
