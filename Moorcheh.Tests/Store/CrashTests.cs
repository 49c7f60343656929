using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>
/// One writer works and writes down what was acknowledged; at random moments the files are copied as a kill would leave them, and
/// the copy is opened. It must hold what was acknowledged before the copy began, or something later of the same order.
/// </summary>
[CancelAfter(120_000)]
internal sealed class CrashTests
{
    [TestCase(1, true)]
    [TestCase(2, false)]
    [TestCase(3, true)]
    public async Task Kill_AtRandomMoments_LosesNothingAcknowledged(int seed, bool checkpoints)
    {
        using var directory = new TemporaryDirectory();
        using var copy = new TemporaryDirectory();
        MoorchehOptions options = Options();
        options.Storage.CheckpointJournalBytes = checkpoints ? 1 << 20 : options.Storage.CheckpointJournalBytes;
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("a", NamespaceKind.Vector, 4);
        await store.CreateNamespaceAsync("b", NamespaceKind.Vector, 4);
        var oracle = new Oracle();
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() => WriteAsync(store, oracle, new Random(seed), stop.Token));
        Task checkpointer = Task.Run(async () =>
        {
            while (checkpoints && !stop.IsCancellationRequested)
            {
                await store.CheckpointAsync();
            }
        });
        var random = new Random(seed + 1000);
        for (int round = 0; round < 10 && !writer.IsCompleted; round++)
        {
            int until = oracle.Acknowledged + random.Next(1, 12);
            while (oracle.Acknowledged < until && !writer.IsCompleted)
            {
                await Task.Yield();
                Token.ThrowIfCancellationRequested();
            }

            int acknowledged = oracle.Acknowledged;
            JobStatus[] jobs = [.. store.Jobs.List(new JobFilter { Limit = 200 })];
            CrashCopy.Take(directory.Path, copy.Path);
            int begun = oracle.Begun;
            await using MoorchehStore crashed = await OpenAsync(copy, Options());
            CheckJobs(crashed, jobs);
            foreach (JobStatus job in crashed.Jobs.List(new JobFilter { State = JobState.Running, Limit = 200 }))
            {
                await crashed.Jobs.WaitAsync(job.JobId, Token);
            }

            await CheckAsync(crashed, oracle, acknowledged, begun);
        }

        await stop.CancelAsync();
        await writer.WaitAsync(Token);
        await checkpointer.WaitAsync(Token);
    }

    private static async Task WriteAsync(MoorchehStore store, Oracle oracle, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string name = random.Next(2) == 0 ? "a" : "b";
            switch (random.Next(20))
            {
                case < 13:
                    Dictionary<string, int> stored = Enumerable.Range(0, random.Next(1, 40)).Select(_ => $"id{random.Next(60)}").Distinct().ToDictionary(id => id, _ => random.Next());
                    oracle.Begin(name, stored, [], whole: false);
                    await store.UploadVectorsAsync(name, [.. stored.Select(item => Item(item.Key, item.Value))]);
                    break;
                case < 19:
                    // Not before the uploads have ended: a delete does not touch what still waits in a job.
                    foreach (JobStatus job in store.Jobs.List(new JobFilter { NamespaceName = name, State = JobState.Running, Limit = 200 }))
                    {
                        await store.Jobs.WaitAsync(job.JobId, CancellationToken.None);
                    }

                    string[] ids = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => $"id{random.Next(60)}")];
                    oracle.Begin(name, [], ids, whole: false);
                    await store.DeleteItemsAsync(name, ids);
                    break;
                default:
                    oracle.Begin(name, [], [], whole: true);
                    await (await store.DeleteNamespaceAsync(name)).WaitAsync(CancellationToken.None);
                    await store.CreateNamespaceAsync(name, NamespaceKind.Vector, 4, CancellationToken.None);
                    break;
            }

            oracle.Acknowledge();
        }
    }

    private static VectorItem Item(string id, int version) =>
        new(id, TestVectors.Gaussian(new Random(version), 4), Metadata("v", version));

    /// <summary>Jobs that could be read before the crash are there, and no counter has fallen.</summary>
    private static void CheckJobs(MoorchehStore crashed, JobStatus[] jobs)
    {
        foreach (JobStatus before in jobs)
        {
            JobStatus? after = crashed.Jobs.Find(before.JobId);
            Assert.That(after, Is.Not.Null);
            switch (before, after)
            {
                case (UploadJobStatus was, UploadJobStatus now):
                    Assert.That(now.Successful, Is.GreaterThanOrEqualTo(was.Successful));
                    Assert.That(now.Processed, Is.GreaterThanOrEqualTo(was.Processed));
                    break;
                case (DeleteJobStatus was, DeleteJobStatus now):
                    Assert.That(now.DeletedItems, Is.GreaterThanOrEqualTo(was.DeletedItems));
                    break;
            }

            if (before.State != JobState.Running)
            {
                Assert.That(after, Is.EqualTo(before));
            }
        }
    }

    private static async Task CheckAsync(MoorchehStore crashed, Oracle oracle, int acknowledged, int begun)
    {
        // The operations are one after the other, so the copy is the state after one of them; a recreation has states of its own.
        Dictionary<string, Dictionary<string, int>?> actual = [];
        foreach (string name in (string[])["a", "b"])
        {
            actual[name] = crashed.FindNamespace(name) is null ? null : await ReadAsync(crashed, name);
        }

        bool found = false;
        for (int step = acknowledged; step <= begun && !found; step++)
        {
            found = actual.All(pair => Same(pair.Value, oracle.After(step, pair.Key)) || (step < begun && oracle.IsRecreation(step, pair.Key) && pair.Value is null or { Count: 0 }));
        }

        Assert.That(found, Is.True, $"The copy is in no state between operation {acknowledged} and {begun}.");
        Assert.That(crashed.GetStatus().Items, Is.EqualTo(actual.Sum(pair => pair.Value?.Count ?? 0)));
        Assert.That(crashed.GetStatus().ReservedItems, Is.Zero);
        foreach ((string name, Dictionary<string, int>? items) in actual)
        {
            if (items is not null)
            {
                float[] query = [1, 2, 3, 4];
                Assert.That(
                    await crashed.FindAsync(new SearchRequest(name, query)),
                    Is.EqualTo(BruteForce.Nearest(items.Select(item => Item(item.Key, item.Value)), query, 10)));
            }
        }

        static bool Same(Dictionary<string, int>? x, Dictionary<string, int> y) => x is not null && x.Count == y.Count && x.All(pair => y.TryGetValue(pair.Key, out int value) && value == pair.Value);
    }

    private static async Task<Dictionary<string, int>> ReadAsync(MoorchehStore store, string name)
    {
        Dictionary<string, int> items = [];
        ItemPage page = await store.ListItemsAsync(name);
        Assert.That(page.HasMore, Is.False);
        foreach (Item item in page.Items)
        {
            items.Add(item.Id, item.Metadata.ToElement().GetProperty("v").GetInt32());
        }

        return items;
    }

    /// <summary>The operations in order, and how many of them were acknowledged.</summary>
    private sealed class Oracle
    {
        private readonly Lock _lock = new();
        private readonly List<(string Name, Dictionary<string, int> Stored, string[] Deleted, bool Whole)> _operations = [];
        private int _acknowledged;

        public int Acknowledged => Volatile.Read(ref _acknowledged);

        public int Begun
        {
            get
            {
                lock (_lock)
                {
                    return _operations.Count;
                }
            }
        }

        public void Begin(string name, Dictionary<string, int> stored, string[] deleted, bool whole)
        {
            lock (_lock)
            {
                _operations.Add((name, stored, deleted, whole));
            }
        }

        public void Acknowledge() => Interlocked.Increment(ref _acknowledged);

        /// <summary>True when the operation after this many recreates the namespace.</summary>
        public bool IsRecreation(int step, string name)
        {
            lock (_lock)
            {
                return _operations[step].Name == name && _operations[step].Whole;
            }
        }

        /// <summary>A namespace's items after the first operations, once its jobs have ended.</summary>
        public Dictionary<string, int> After(int operations, string name)
        {
            Dictionary<string, int> items = [];
            lock (_lock)
            {
                foreach ((string of, Dictionary<string, int> stored, string[] deleted, bool whole) in _operations.Take(operations))
                {
                    if (of != name)
                    {
                        continue;
                    }

                    if (whole)
                    {
                        items.Clear();
                    }

                    foreach ((string id, int version) in stored)
                    {
                        items[id] = version;
                    }

                    foreach (string id in deleted)
                    {
                        items.Remove(id);
                    }
                }
            }

            return items;
        }
    }
}
