using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Artifacts;

/// <summary>Collections are embedded again as text namespaces are, hidden ones too: their artifacts stay what they are.</summary>
internal sealed class ReembedTests : ArtifactFixture
{
    private static readonly string[] Collections = ["docs", "hidden one"];

    [Test]
    public async Task Collections_OtherModel_AreAsMadeFreshly()
    {
        await FillAsync(Store);
        await Artifacts.IngestAsync(Text("docs", "gone", "short lived"));
        await Artifacts.DeleteAsync("docs", "gone");
        await Store.DisposeAsync();
        using var second = new TestEmbedder(48, model: "two");
        using var fresh = new TemporaryDirectory();
        string expected;
        await using (MoorchehStore made = await TestStore.OpenAsync(fresh, Options(second)))
        {
            await FillAsync(made);
            expected = await DescribeAsync(made);
        }

        Store = await TestStore.OpenAsync(Data, Options(second));
        await RefusedAsync(() => Artifacts.IngestAsync(Text("docs", "c", "new")), ErrorCodes.EmbeddingModelMismatch);
        foreach (string collection in Collections)
        {
            ReembedJobStatus ended = await (await Store.ReembedNamespaceAsync(collection)).WaitAsync(Token);
            Assert.That((ended.State, ended.Namespace), Is.EqualTo((JobState.Completed, collection)), ended.LastError);
        }

        Assert.That(await DescribeAsync(Store), Is.EqualTo(expected));
        await Store.DisposeAsync();
        Store = await TestStore.OpenAsync(Data, Options(second));
        Assert.That(await DescribeAsync(Store), Is.EqualTo(expected));

        // All that changes artifacts works on: another version, a delete, the end of a hidden one.
        await Artifacts.IngestAsync(Text("docs", "a", "short now"));
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo("short now"));
        await Artifacts.DeleteAsync("docs", "b");
        await Artifacts.DeleteAsync("hidden one", "a");
        await Artifacts.DeleteAsync("hidden one", "b");
        Assert.That((Items, Store.FindNamespace("docs")!.ItemCount), Is.EqualTo((1L, 1L)));
        Assert.That(await Artifacts.ListAsync("hidden one"), Is.Empty);
    }

    [Test]
    public async Task ArtifactsChangeMeanwhile_TheNewOnesAreEmbeddedToo([Values] bool last)
    {
        await FillAsync(Store);
        Embedder.OnCall = texts =>
        {
            if (texts.Any(text => text.StartsWith("two18 ", StringComparison.Ordinal)))
            {
                Embedder.Block();
            }
        };
        int calls = Embedder.Calls.Count;
        Job<ReembedJobStatus> job = await Store.ReembedNamespaceAsync("hidden one");
        await Embedder.CallsBegunAsync(calls + 4);
        Embedder.OnCall = null;
        Task<ArtifactTaskStatus> delete = Artifacts.StartDeleteAsync("hidden one", "a");
        await EndedAsync(await delete, ArtifactTaskState.Success);
        if (last)
        {
            await EndedAsync(await Artifacts.StartDeleteAsync("hidden one", "b"), ArtifactTaskState.Success);
        }

        Embedder.Release();
        ReembedJobStatus ended = await job.WaitAsync(Token);
        Assert.That(ended.State, Is.EqualTo(last ? JobState.Failed : JobState.Completed));
        Assert.That(ended.LastError, Is.EqualTo(last ? "Namespace 'hidden one' was deleted." : null));
        Assert.That(await ReadTextAsync("docs", "b"), Is.EqualTo(Lines(25, "two")));
        if (!last)
        {
            Assert.That(await ReadTextAsync("hidden one", "b"), Is.EqualTo(Lines(25, "two")));
        }

        Assert.That(Items, Is.EqualTo(last ? 40 : 65));
        await ReopenAsync();
        Assert.That(Items, Is.EqualTo(last ? 40 : 65));
    }

    private MoorchehOptions Options(TestEmbedder embedder)
    {
        MoorchehOptions options = Options();
        options.Embedding.Generator = embedder;
        return options;
    }

    private static async Task FillAsync(MoorchehStore store)
    {
        foreach (string collection in Collections)
        {
            await store.Artifacts.IngestAsync(Text(collection, "a", Lines(15, "one"), """{"kind":"first"}"""));
            await store.Artifacts.IngestAsync(Text(collection, "b", Lines(25, "two")));
        }
    }

    private static async Task<string> DescribeAsync(MoorchehStore store)
    {
        List<string> lines = [];
        foreach (string collection in Collections)
        {
            SearchResult found = await store.SearchAsync(new SearchRequest(collection, "one3 two18 filler") { TopK = 100 });
            lines.AddRange(found.Hits.Select(hit => $"{hit.Id} {hit.Score:R} {hit.Text} {hit.Metadata}"));
            foreach (ArtifactInfo info in await store.Artifacts.ListAsync(collection))
            {
                ArtifactContent content = (await store.Artifacts.ReadAsync(collection, info.Artifact))!;
                lines.Add($"{info.Artifact} {info.Metadata} {string.Concat(content.Chunks.Select(chunk => chunk.Id + chunk.Text))}");
            }
        }

        return string.Join('\n', lines);
    }
}
