using Moorcheh.Kernels;

namespace Moorcheh.Indexing;

/// <summary>Exact search: the cosine of the query with every live vector.</summary>
internal static class ExactScan
{
    /// <summary>The best candidates over all namespaces.</summary>
    /// <param name="sources">Snapshots in the order of the names of their namespaces; empty ones may have any dimension.</param>
    /// <param name="query">The query vector.</param>
    /// <param name="most">Most candidates; <see cref="int.MaxValue"/> for all.</param>
    /// <returns>Best first.</returns>
    public static List<Candidate> Find(IReadOnlyList<IndexSnapshot> sources, ReadOnlySpan<float> query, int most)
    {
        double queryNorm = CanonicalDot.Norm(query);
        var heap = new PriorityQueue<Candidate, Candidate>(Comparer<Candidate>.Create((x, y) => Candidate.BestFirst(y, x)));
        List<Candidate> all = [];
        for (int source = 0; source < sources.Count; source++)
        {
            foreach (SegmentView segment in sources[source].Segments)
            {
                for (int slot = 0; slot < segment.Count; slot++)
                {
                    if (!segment.IsLive(slot))
                    {
                        continue;
                    }

                    double cosine = CanonicalDot.Cosine(CanonicalDot.Dot(query, segment.Vector(slot)), queryNorm, segment.Norm(slot));
                    var candidate = new Candidate(cosine, source, segment, slot);
                    if (most == int.MaxValue)
                    {
                        all.Add(candidate);
                    }
                    else if (heap.Count < most)
                    {
                        heap.Enqueue(candidate, candidate);
                    }
                    else if (cosine >= heap.Peek().Cosine)
                    {
                        heap.EnqueueDequeue(candidate, candidate);
                    }
                }
            }
        }

        all.AddRange(heap.UnorderedItems.Select(item => item.Element));
        all.Sort(Candidate.BestFirst);
        return all;
    }
}
