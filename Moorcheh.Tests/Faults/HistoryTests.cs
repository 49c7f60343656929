using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Writers, deleters and readers side by side. Every change and read is noted with the moments of its begin and end; a read may return a version
/// only if it was begun before the read ended and nothing later was acknowledged before the read began.
/// </summary>
[Category("Faults")]
[CancelAfter(180_000)]
internal sealed class HistoryTests
{
    private const int Dimension = 64; // One item a direction, so that a search for it finds it first.
    private const int Writers = 3;
    private const int IdsPerWriter = 20;
    private const int LeastReads = 500;
    private const int LeastVersions = 10;
    private static readonly TimeSpan ShortRun = TimeSpan.FromSeconds(8);

    private readonly ConcurrentDictionary<string, List<Change>> _changes = new();
    private readonly ConcurrentQueue<Read> _reads = [];
    private long _clock;

    [Test]
    public async Task Reads_BesideWrites_SeeOneOfTheAllowedVersions()
    {
        int seed = Environment.TickCount;
        await TestContext.Out.WriteLineAsync($"seed {seed}");
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        long end = TestMinutes.EndFromNow(ShortRun);
        List<Task> tasks = [];
        for (int writer = 0; writer < Writers; writer++)
        {
            int number = writer;
            tasks.Add(Task.Run(() => WriteAsync(store, new Random(seed + number), number, end)));
        }

        tasks.Add(Task.Run(() => RecreateAsync(store, new Random(seed + 100), end)));
        tasks.Add(Task.Run(() => CheckpointAsync(store, end)));
        for (int reader = 0; reader < 2; reader++)
        {
            int number = reader;
            tasks.Add(Task.Run(() => ReadAsync(store, new Random(seed + 200 + number), end)));
        }

        await Task.WhenAll(tasks).WaitAsync(Token);
        int checkedReads = 0;
        foreach (Read read in _reads)
        {
            Check(read);
            checkedReads++;
        }

        await TestContext.Out.WriteLineAsync($"{_changes.Values.Sum(changes => changes.Count)} changes, {checkedReads} reads");
        Assert.That(checkedReads, Is.GreaterThan(LeastReads));
        Assert.That(_reads.Select(read => read.Version).Distinct().Count(), Is.GreaterThan(LeastVersions));
    }

    /// <summary>True until the time is over and enough was read, however slow the machine is.</summary>
    private bool GoesOn(long end) => !Token.IsCancellationRequested
        && (Environment.TickCount64 < end || _reads.Count <= LeastReads || _reads.Select(read => read.Version).Distinct().Count() <= LeastVersions);

    private static float[] Direction(string id, int version)
    {
        // A length that no normalisation sees, and a direction of the id's own.
        float[] vector = new float[Dimension];
        vector[int.Parse(id.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture)] = version + 1;
        return vector;
    }

    private static int VersionOf(ItemMetadata metadata) => (int)JsonNode.Parse(metadata.ToString())!["version"]!;

    private void Check(Read read)
    {
        List<Change> changes = _changes.GetValueOrDefault(read.Key) ?? [];
        lock (changes)
        {
            // What was acknowledged last before the read began counts, or anything begun later but before its end.
            int last = changes.FindLastIndex(change => change.Ended < read.Began);
            IEnumerable<int?> allowed = changes.Skip(Math.Max(last, 0)).Where(change => change.Began < read.Ended).Select(change => change.Version);
            if (last < 0)
            {
                allowed = allowed.Append(null);
            }

            Assert.That(allowed, Does.Contain(read.Version), $"{read} of {string.Join(", ", changes.TakeLast(20))}");
        }
    }

    private async Task ChangeAsync(IReadOnlyList<string> keys, int? version, Func<Task> change)
    {
        List<Change> begun = [];
        foreach (string key in keys)
        {
            var entry = new Change(version, Interlocked.Increment(ref _clock));
            List<Change> changes = _changes.GetOrAdd(key, _ => []);
            lock (changes)
            {
                changes.Add(entry);
            }

            begun.Add(entry);
        }

        await change();
        long now = Interlocked.Increment(ref _clock);
        begun.ForEach(entry => entry.Ended = now);
    }

    private async Task WriteAsync(MoorchehStore store, Random random, int writer, long end)
    {
        for (int version = 1; GoesOn(end); version++)
        {
            string[] ids = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => $"i{(writer * IdsPerWriter) + random.Next(IdsPerWriter)}").Distinct()];
            string[] keys = [.. ids.Select(id => "emb/" + id)];
            if (random.Next(4) == 0)
            {
                await ChangeAsync(keys, null, () => store.DeleteItemsAsync("emb", ids));
                continue;
            }

            VectorItem[] items = [.. ids.Select(id => new VectorItem(id, Direction(id, version), Metadata("version", version)))];
            await ChangeAsync(keys, version, () => store.StoreAsync("emb", items));
        }
    }

    private async Task RecreateAsync(MoorchehStore store, Random random, long end)
    {
        for (int version = 1; GoesOn(end); version++)
        {
            string[] ids = [.. Enumerable.Range(0, 5).Select(i => $"i{i}")];
            string[] keys = [.. ids.Select(id => "again/" + id)];
            await store.CreateNamespaceAsync("again", NamespaceKind.Vector, Dimension);
            int number = version;
            VectorItem[] items = [.. ids.Select(id => new VectorItem(id, Direction(id, number), Metadata("version", number)))];
            await ChangeAsync(keys, version, () => store.StoreAsync("again", items));
            await Task.Delay(random.Next(10));
            Job<DeleteJobStatus>? job = null;
            await ChangeAsync(keys, null, async () => job = await store.DeleteNamespaceAsync("again"));
            await job!.WaitAsync();
        }
    }

    private async Task CheckpointAsync(MoorchehStore store, long end)
    {
        while (GoesOn(end))
        {
            await store.CheckpointAsync();
            await Task.Delay(300);
        }
    }

    private async Task ReadAsync(MoorchehStore store, Random random, long end)
    {
        while (GoesOn(end))
        {
            bool isAgain = random.Next(4) == 0;
            string name = isAgain ? "again" : "emb";
            string id = $"i{random.Next(isAgain ? 5 : Writers * IdsPerWriter)}";
            await Task.Yield(); // Reads that never wait would keep the pool's threads from the writers.
            long began = Interlocked.Increment(ref _clock);
            int? version = null;
            try
            {
                version = random.Next(2) == 0 ? await GetAsync(store, name, id) : await SearchAsync(store, name, id);
            }
            catch (MoorchehException e) when (isAgain && e.Code is ErrorCodes.NamespaceNotFound or ErrorCodes.NamespaceDeleting)
            {
            }

            _reads.Enqueue(new Read($"{name}/{id}", version, began, Interlocked.Increment(ref _clock)));
        }
    }

    private static async Task<int?> GetAsync(MoorchehStore store, string name, string id) =>
        (await store.GetItemsAsync(name, [id])) is [var item] ? VersionOf(item.Metadata) : null;

    private static async Task<int?> SearchAsync(MoorchehStore store, string name, string id)
    {
        SearchResult found = await store.SearchAsync(new SearchRequest(name, Direction(id, 0)) { TopK = 1 });
        return found.Hits is [var hit] && hit.Id == id ? VersionOf(hit.Metadata) : null;
    }

    private sealed record Change(int? Version, long Began)
    {
        public long Ended { get; set; } = long.MaxValue;
    }

    private sealed record Read(string Key, int? Version, long Began, long Ended);
}
