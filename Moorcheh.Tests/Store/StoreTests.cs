using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Store;

[CancelAfter(60_000)]
internal sealed class StoreTests
{
    [Test]
    public async Task Search_AfterUploadAndReopen_EqualsBruteForce(CancellationToken token)
    {
        using var directory = new TemporaryDirectory();
        VectorItem[] items = TestVectors.Items(1, 3000, 48);
        float[] query = TestVectors.Gaussian(new Random(2), 48);
        string[] expected = BruteForce.Nearest(items, query, 10);

        for (int round = 0; round < 3; round++)
        {
            await using MoorchehStore store = await MoorchehStore.OpenAsync(directory.Path, cancellationToken: token);
            if (round == 0)
            {
                await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 48, token);
                Job<UploadJobStatus> job = await store.UploadVectorsAsync("emb", items, token);
                UploadJobStatus status = await job.WaitAsync(token);
                Assert.That(status.Successful, Is.EqualTo(3000));
            }

            SearchResult found = await store.SearchAsync(new SearchRequest("emb", query), token);
            Assert.That(found.Hits.Select(hit => hit.Id), Is.EqualTo(expected));
            Assert.That(store.GetStatus().Items, Is.EqualTo(3000));
        }
    }
}
