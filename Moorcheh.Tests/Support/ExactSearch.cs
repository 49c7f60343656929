using Moorcheh.Search;

namespace Moorcheh.Tests.Support;

/// <summary>Searches whose answer is held against an <see cref="Oracle"/>.</summary>
internal static class ExactSearch
{
    private static readonly SearchGuarantee[] Exact = [SearchGuarantee.Certified, SearchGuarantee.Absolute];

    /// <summary>Uploads in batches, and waits for all of them.</summary>
    public static async Task StoreAllAsync(
        this MoorchehStore store, string name, IReadOnlyList<VectorItem> items, int batch = 10_000)
    {
        List<Job<UploadJobStatus>> jobs = [];
        foreach (VectorItem[] part in items.Chunk(batch))
        {
            jobs.Add(await store.UploadVectorsAsync(name, part, TestStore.Token));
        }

        foreach (Job<UploadJobStatus> job in jobs)
        {
            UploadJobStatus status = await job.WaitAsync(TestStore.Token);
            Assert.That(status.Successful, Is.EqualTo(status.Total), status.LastError);
        }
    }

    /// <summary>Asserts that the two exact guarantees, on one thread and on two, give the oracle's hits in its order with its cosines.</summary>
    public static async Task AssertExactAsync(this MoorchehStore store, string name, Oracle oracle, IEnumerable<float[]> queries, int top = 10)
    {
        int number = 0;
        foreach (float[] query in queries)
        {
            ExpectedHit[] expected = oracle.Nearest(query, top);
            foreach (SearchGuarantee guarantee in Exact)
            {
                for (int threads = 1; threads <= 2; threads++)
                {
                    var request = new SearchRequest(name, query) { TopK = top, Guarantee = guarantee, Threads = threads };
                    SearchResult found = await store.SearchAsync(request, TestStore.Token);
                    Assert.That(HitsOf(found), Is.EqualTo(expected), $"Query {number}, {guarantee}, threads {threads}");
                }
            }

            number++;
        }
    }

    /// <summary>What an answer says, for comparison; its scores must fit its cosines.</summary>
    public static ExpectedHit[] HitsOf(SearchResult found)
    {
        foreach (SearchHit hit in found.Hits)
        {
            Assert.That(hit.Score, Is.EqualTo(ItsScore.FromCosine(hit.Cosine)));
        }

        return [.. found.Hits.Select(hit => new ExpectedHit(hit.Id, hit.Cosine))];
    }
}
