using System.Runtime.CompilerServices;
using Moorcheh.Changes;
using Moorcheh.Search;
using Moorcheh.Search.Words;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>Words whose terms are the same are told apart: what the postings said of a hit is counted in its record, and what does not agree is counted in records.</summary>
[CancelAfter(60_000)]
internal sealed class RecordWordsTests
{
    [Test]
    public async Task Rank_CountingInRecords_EqualsPostings()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder();
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        await FillAsync(store);
        var request = new SearchRequest("docs", "w1 w3 w9 the the") { Mode = SearchMode.Keyword, TopK = 50 };
        SearchPlan plan = PlanOf(store, request);
        plan.CountsInRecords = true;
        (SearchHit[]? hits, _) = await new MixedSearch(StateOf(store)).RankAsync(plan, null, 0, null, isLastAttempt: false, Token);
        SearchResult expected = await store.SearchAsync(request, Token);
        Assert.That(expected.Hits, Has.Count.EqualTo(50));
        Assert.That(
            hits!.Select(hit => (hit.Id, hit.Score, hit.KeywordScore)),
            Is.EqualTo(expected.Hits.Select(hit => (hit.Id, hit.Score, hit.KeywordScore))));
    }

    [Test]
    public async Task Read_PostingsSaidOtherwise_CountsInRecordsNextTime()
    {
        using var directory = new TemporaryDirectory();
        using var embedder = new TestEmbedder();
        await using MoorchehStore store = await TestStore.OpenAsync(directory, Options(embedder));
        await FillAsync(store);
        SearchPlan plan = PlanOf(store, new SearchRequest("docs", "w1") { Mode = SearchMode.Keyword });
        WordStatistics statistics = WordStatistics.Count(plan.Scope.Segments, plan.Words!);
        Assert.That(await ReadAsync(1.5), Is.Null);
        Assert.That(plan.CountsInRecords);
        Assert.That(await ReadAsync(null), Has.Length.EqualTo(1));

        ValueTask<SearchHit[]?> ReadAsync(double? wordScore) => MixedHits.ReadAsync(
            StateOf(store).Records, plan, statistics, [new Mixed(Place: 3, Score: 1, Cosine: null, wordScore)], isLastAttempt: false, Token);
    }

    private static async Task FillAsync(MoorchehStore store)
    {
        var random = new Random(5);
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.StoreAsync(
            "docs",
            [.. Enumerable.Range(0, 300).Select(i => new Document($"d{i}", "the " + string.Join(' ', Enumerable.Range(0, 12).Select(_ => $"w{random.Next(20)}"))))]);
        await store.DeleteItemsAsync("docs", ["d7", "d8"], Token);
    }

    private static SearchPlan PlanOf(MoorchehStore store, SearchRequest request)
    {
        var scope = new SearchScope([StateOf(store).Namespaces.Get("docs")], SearchScope.AnyDimension);
        scope.TakeSnapshots();
        return new SearchPlan(request, null, default, scope) { Words = QueryWords.Parse(request.Text!) };
    }

    private static StoreState StateOf(MoorchehStore store) => PartsOf(store).State;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_parts")]
    private static extern ref StoreParts PartsOf(MoorchehStore store);
}
