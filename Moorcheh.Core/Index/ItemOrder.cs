namespace Moorcheh.Index;

/// <summary>Lists ids in ordinal order without keeping them sorted: one pass over the ids a page.</summary>
internal static class ItemOrder
{
    private static readonly Comparer<byte[]> Descending = Comparer<byte[]>.Create((x, y) => OrdinalUtf8.Compare(y, x));

    /// <summary>The first ids after a given one, in order.</summary>
    /// <param name="snapshot">The items.</param>
    /// <param name="after">UTF-8; null starts at the first.</param>
    /// <param name="most">Most ids to return.</param>
    public static List<byte[]> FirstAfter(IndexSnapshot snapshot, byte[]? after, int most)
    {
        // The greatest of the least ids found so far is on top.
        var least = new PriorityQueue<byte[], byte[]>(most + 1, Descending);
        foreach (SegmentView segment in snapshot.Segments)
        {
            for (int slot = 0; slot < segment.Count; slot++)
            {
                if (!segment.IsLive(slot))
                {
                    continue;
                }

                ReadOnlySpan<byte> id = segment.Id(slot);
                if ((after is not null && OrdinalUtf8.Compare(id, after) <= 0)
                    || (least.Count == most && OrdinalUtf8.Compare(id, least.Peek()) >= 0))
                {
                    continue;
                }

                byte[] copy = id.ToArray();
                least.Enqueue(copy, copy);
                if (least.Count > most)
                {
                    least.Dequeue();
                }
            }
        }

        List<byte[]> ids = [];
        while (least.TryDequeue(out byte[]? id, out _))
        {
            ids.Add(id);
        }

        ids.Reverse();
        return ids;
    }
}
