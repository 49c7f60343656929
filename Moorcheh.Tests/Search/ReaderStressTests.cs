using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// Readers search while writers publish and delete, so that slots die and segments are rewritten all the time. Of each answer is checked:
/// every hit is one whole published version of its item, neither overtaken nor deleted before the search began; the order; and that no
/// item which nobody touched during the search is missing.
/// </summary>
/// <remarks>
/// An id has one writer, which counts up when it starts to change it and when the change is complete. Equal counts before a search, and the
/// same count after it, say what the search must have seen.
/// </remarks>
internal sealed class ReaderStressTests
{
    private const int Dimension = 24;
    private const int Ids = 1500;
    private const int Writers = 2;
    private const int Readers = 2;
    private const int Top = 25;

    private const int LeastSearches = 20;

    // Of every so many versions one is a delete.
    private const int DeleteEvery = 5;

    private readonly int[] _started = new int[Ids];
    private readonly int[] _completed = new int[Ids];
    private readonly ConcurrentQueue<Exception> _failures = new();
    private int _searches;
    private int _mustHave;
    private int _writes;
    private long _end;

    [Test]
    public async Task Search_WhileWritersPublish_GivesTheRightAnswerOfSomeMoment()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options();
        options.Storage.CheckpointJournalBytes = 1 << 20;
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        await store.StoreAllAsync("emb", [.. Enumerable.Range(0, Ids).Select(item => Version(item, 1))]);
        Array.Fill(_started, 1);
        Array.Fill(_completed, 1);
        _end = TestMinutes.EndFromNow(TimeSpan.FromSeconds(4));
        Task[] workers =
        [
            .. Enumerable.Range(0, Writers).Select(writer => RunAsync(writer, random => WriteAsync(store, writer, random))),
            .. Enumerable.Range(10, Readers).Select(seed => RunAsync(seed, random => SearchAsync(store, random))),
        ];
        await Task.WhenAll(workers);

        TestContext.Out.WriteLine($"{_searches} searches, {_writes} writes; {_mustHave} hits that had to be there.");
        Assert.That(_failures, Is.Empty);
        Assert.That(_searches, Is.GreaterThan(LeastSearches));
        Assert.That(_writes, Is.Positive);
        Assert.That(_mustHave, Is.GreaterThan(LeastSearches * Top / 2), "Nearly every item was being changed: the test saw too little.");
    }

    private async Task WriteAsync(MoorchehStore store, int writer, Random random)
    {
        // Version n of an item is its n-th change. The next one is a delete for all of a batch, or for none.
        int[] batch = [.. Enumerable.Range(0, random.Next(1, 300)).Select(_ => (random.Next(Ids / Writers) * Writers) + writer).Distinct()];
        bool deletes = random.Next(3) == 0;
        batch = [.. batch.Where(item => IsDelete(_started[item] + 1) == deletes).Take(MoorchehStore.MaxIds)];
        if (batch.Length == 0)
        {
            return;
        }

        foreach (int item in batch)
        {
            Interlocked.Increment(ref _started[item]);
        }

        if (deletes)
        {
            await store.DeleteItemsAsync("emb", [.. batch.Select(Name)]);
        }
        else
        {
            await (await store.UploadVectorsAsync("emb", [.. batch.Select(item => Version(item, _started[item]))])).WaitAsync();
        }

        foreach (int item in batch)
        {
            Volatile.Write(ref _completed[item], _started[item]);
        }

        Interlocked.Increment(ref _writes);
    }

    private async Task SearchAsync(MoorchehStore store, Random random)
    {
        float[] query = TestVectors.Gaussian(random, Dimension);
        SearchGuarantee guarantee = random.Next(2) == 0 ? SearchGuarantee.Certified : SearchGuarantee.Absolute;
        int[] completed = Read(_completed);
        int[] started = Read(_started);
        SearchResult found = await store.SearchAsync(new SearchRequest("emb", query) { TopK = Top, Guarantee = guarantee });
        int[] startedAfter = Read(_started);

        ExpectedHit[] hits = ExactSearch.HitsOf(found);
        Assert.That(hits.Select(hit => hit.Id), Is.Unique);
        Assert.That(hits, Is.Ordered.Using<ExpectedHit>(Oracle.Compare));
        foreach (SearchHit hit in found.Hits)
        {
            int item = int.Parse(hit.Id[2..], CultureInfo.InvariantCulture);
            int version = hit.Metadata.ToElement().GetProperty("version").GetInt32();
            Assert.That(version, Is.InRange(completed[item], startedAfter[item]), hit.Id);
            Assert.That(IsDelete(version), Is.False, hit.Id);
            Assert.That(hit.Cosine, Is.EqualTo(Oracle.Cosine(query, Version(item, version).Vector.Span)), hit.Id);
        }

        // Whatever was complete before and is not in another version now belongs to the answer, unless the last hit is better.
        HashSet<ExpectedHit> given = [.. hits];
        for (int item = 0; item < Ids; item++)
        {
            int version = completed[item];
            if (version == started[item] && version == startedAfter[item] && !IsDelete(version))
            {
                ReadOnlySpan<float> vector = Version(item, version).Vector.Span;
                if (hits.Length == Top && BruteForce.Cosine(query, vector) < hits[^1].Cosine - 1e-9)
                {
                    continue; // Too far away to be worth an exact cosine.
                }

                var stable = new ExpectedHit(Name(item), Oracle.Cosine(query, vector));
                if (hits.Length < Top || Oracle.Compare(stable, hits[^1]) <= 0)
                {
                    Assert.That(given, Does.Contain(stable));
                    Interlocked.Increment(ref _mustHave);
                }
            }
        }

        Interlocked.Increment(ref _searches);
    }

    private Task RunAsync(int seed, Func<Random, Task> act) => Task.Run(async () =>
    {
        var random = new Random(seed);
        try
        {
            while (Environment.TickCount64 < (IsEnough ? _end : _end + 100_000) && _failures.IsEmpty)
            {
                await act(random);
            }
        }
        catch (Exception e)
        {
            _failures.Enqueue(e);
        }
    });

    /// <summary>True when the test has seen something, however slow the machine is.</summary>
    private bool IsEnough => Volatile.Read(ref _searches) > LeastSearches && Volatile.Read(ref _writes) > 0 && Volatile.Read(ref _mustHave) > LeastSearches * Top / 2;

    private static int[] Read(int[] counts)
    {
        int[] copy = new int[counts.Length];
        for (int i = 0; i < copy.Length; i++)
        {
            copy[i] = Volatile.Read(ref counts[i]);
        }

        return copy;
    }

    private static bool IsDelete(int version) => version % DeleteEvery == 0;

    private static string Name(int item) => $"id{item}";

    /// <summary>A version of an item: some versions of it are near each other, so that a stale one would be a likely hit.</summary>
    private static VectorItem Version(int item, int version)
    {
        float[] vector = TestVectors.Gaussian(new Random(item), Dimension);
        vector[version % Dimension] += 0.5f;
        vector[0] += version * 1e-3f;
        return new VectorItem(Name(item), vector, new JsonObject { ["version"] = version });
    }
}
