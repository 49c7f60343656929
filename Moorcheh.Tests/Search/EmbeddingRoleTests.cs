using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>A generator is told what a text is for. The same text has both roles here, so nothing that is kept by text may be taken for the other.</summary>
[CancelAfter(60_000)]
internal sealed class EmbeddingRoleTests
{
    [Test]
    public async Task Upload_And_Search_TellTheGeneratorTheirRoles()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(64);
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.StoreAsync("docs", new Document("1", "a quick fox"));
        var query = new SearchRequest("docs", "a quick fox");
        await store.SearchAsync(query);
        await store.SearchBatchAsync([query, query]);

        Assert.That(embedder.Calls, Has.All.EqualTo((string[])["a quick fox"]));
        Assert.That(embedder.Roles, Is.EqualTo((string[])["document", "query", "query"]));
    }

    [Test]
    public async Task Upload_OneOfItsTextsFails_EachAloneIsADocument()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder(64) { FailingWord = "bad" };
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        Job<UploadJobStatus> upload = await store.UploadDocumentsAsync("docs", [new("1", "good"), new("2", "bad")]);
        await upload.WaitAsync();

        Assert.That(embedder.Calls, Has.Count.GreaterThan(2));
        Assert.That(embedder.Roles, Has.All.EqualTo("document"));
    }
}
