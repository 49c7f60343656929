using Moorcheh.Storage;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Storage;

/// <summary>A snapshot is the store at one moment between the call and its return, though uploads go on.</summary>
[CancelAfter(120_000)]
internal sealed class SnapshotTests
{
    private const int Batch = 40;
    private const int Dimension = 8;

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Snapshot_DuringUploads_HoldsTheDataOfOneMoment()
    {
        int begun = 0;
        int done = 0;
        await using MoorchehStore store = await OpenAsync(_directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(async () =>
        {
            Queue<Job<UploadJobStatus>> waiting = new();
            while (!stop.IsCancellationRequested)
            {
                if (waiting.Count > 5)
                {
                    await waiting.Dequeue().WaitAsync();
                }

                VectorItem[] items = Items(begun);
                Interlocked.Increment(ref begun);
                waiting.Enqueue(await store.UploadVectorsAsync("emb", items));
                Interlocked.Increment(ref done);
            }
        });
        for (int round = 0; round < 3; round++)
        {
            int least = Volatile.Read(ref done);
            using var copy = new TemporaryDirectory();
            await store.SnapshotAsync(Path.Combine(copy.Path, "snapshot"), Token);
            int most = Volatile.Read(ref begun);
            await CheckAsync(Path.Combine(copy.Path, "snapshot"), least, most);
        }

        await stop.CancelAsync();
        await writer;
    }

    /// <summary>The payload of an unfinished upload may begin anywhere in a page of the journal, at its first byte too.</summary>
    [Test]
    public async Task Snapshot_UnfinishedUploadsOfManySizes_IsSoundAndGoesOn()
    {
        using var embedder = new TestEmbedder();
        await using MoorchehStore store = await OpenAsync(_directory, Options(embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        for (int round = 0; round < 10; round++)
        {
            embedder.Block();
            Job<UploadJobStatus> upload = await store.UploadDocumentsAsync("docs", [new Document($"d{round}", new string('x', 400_000 + (round * 50_000)))]);
            using var copy = new TemporaryDirectory();
            string snapshot = Path.Combine(copy.Path, "snapshot");
            await store.SnapshotAsync(snapshot, Token);
            Assert.That(await StoreFiles.VerifyAsync(snapshot), Is.Empty);
            embedder.Release();
            await upload.WaitAsync(Token);
            using var other = new TestEmbedder();
            await using MoorchehStore restored = await MoorchehStore.OpenAsync(snapshot, Options(other));
            Assert.That((await restored.Jobs.WaitAsync(upload.Id, Token))!.State, Is.EqualTo(JobState.Completed));
            Assert.That(restored.GetStatus().Items, Is.EqualTo(round + 1));
        }
    }

    /// <summary>What the copy has got so far does not open.</summary>
    [TestCase(true)]
    [TestCase(false)]
    public async Task Snapshot_StoppedWhileItCopies_EndsAndLeavesNoStore(bool byClosing)
    {
        using var target = new TemporaryDirectory();
        var disk = new HeldDisk(Path.Combine(target.Path, "snapshot"));
        MoorchehOptions options = Options();
        options.Disk = disk;
        await using MoorchehStore store = await OpenAsync(_directory, options);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        await store.StoreAllAsync("emb", Items(0));
        using var stop = new CancellationTokenSource();
        Task snapshot = store.SnapshotAsync(disk.Directory, stop.Token);
        await disk.Reached.Task.WaitAsync(Token);
        if (byClosing)
        {
            Task closed = store.DisposeAsync().AsTask();
            disk.Release.Set();
            await RefusedAsync(() => snapshot, "shutting-down");
            await closed;
        }
        else
        {
            await stop.CancelAsync();
            disk.Release.Set();
            Assert.That(() => snapshot, Throws.InstanceOf<OperationCanceledException>());
        }

        await RefusedAsync(() => MoorchehStore.OpenAsync(disk.Directory, Options()), "storage-damaged");
    }

    [Test]
    public async Task Snapshot_DirectoryNotEmpty_IsRefused()
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        using var target = new TemporaryDirectory();
        await File.WriteAllTextAsync(Path.Combine(target.Path, "mine"), "");
        Assert.That(() => store.SnapshotAsync(target.Path), Throws.ArgumentException.With.Message.Contains(target.Path));
        Assert.That(Directory.EnumerateFileSystemEntries(target.Path).Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Snapshot_EmptyStore_Opens()
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        using var target = new TemporaryDirectory();
        await store.SnapshotAsync(target.Path);
        await using MoorchehStore copy = await MoorchehStore.OpenAsync(target.Path, Options());
        Assert.That(copy.ListNamespaces(), Is.Empty);
    }

    /// <summary>A process that dies while it copies leaves a directory that looks like a store without the end of its data.</summary>
    [Test]
    public async Task Open_UnfinishedCopy_IsRefused()
    {
        await using (await OpenAsync(_directory))
        {
        }

        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "unfinished"), "");
        MoorchehException refusal = await RefusedAsync(() => OpenAsync(_directory), "storage-damaged");
        Assert.That(refusal.Message, Does.Contain(_directory.Path).And.Contain("not completed"));
        await RefusedAsync(() => StoreFiles.RestoreAsync(_directory.Path, _directory.Path + "-copy"), "storage-damaged");
    }

    /// <summary>A copy there would mix with the files of the store. It is refused before anything is written, in whatever way the place is named.</summary>
    [Test]
    [Platform(Exclude = "Win", Reason = "Links need a privilege there.")]
    public async Task Snapshot_PlaceWithinAStore_IsRefused()
    {
        using var other = new TemporaryDirectory();
        string root = _directory.Path;
        string toRoot = Path.Combine(other.Path, "to-root");
        string toPart = Path.Combine(other.Path, "to-part");
        Directory.CreateSymbolicLink(toRoot, root);
        Directory.CreateSymbolicLink(toPart, Path.Combine("to-root", "index"));
        string elsewhere = Path.Combine(other.Path, "elsewhere");
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        }

        // One part of the store is on another volume, so to say.
        Directory.Move(Path.Combine(root, "index"), elsewhere);
        Directory.CreateSymbolicLink(Path.Combine(root, "index"), elsewhere);
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.StoreAllAsync("emb", Items(0));
            foreach ((string target, string found) in Places())
            {
                Assert.That(() => store.SnapshotAsync(target), Throws.ArgumentException.With.Message.EqualTo(Refusal(target, found)), target);
            }

            await store.SnapshotAsync(Path.Combine(other.Path, "data"));
        }

        string[] before = [.. Directory.EnumerateFileSystemEntries(other.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        foreach ((string target, string found) in Places())
        {
            Assert.That(() => StoreFiles.RestoreAsync(root, target), Throws.ArgumentException.With.Message.EqualTo(Refusal(target, found)), target);
            Assert.That(() => StoreFiles.RestoreAsync(toRoot, target), Throws.ArgumentException.With.Message.StartsWith($"Directory '{Path.GetFullPath(target)}' is within "), target);
        }

        // Also into another store, and from a place within the target.
        Assert.That(() => StoreFiles.RestoreAsync(root, Path.Combine(other.Path, "data", "x")), Throws.ArgumentException.With.Message.Contains("is within"));
        Assert.That(() => StoreFiles.RestoreAsync(Path.Combine(other.Path, "data"), other.Path), Throws.ArgumentException.With.Message.Contains("is not empty"));
        Assert.That(() => StoreFiles.RestoreAsync(root, root), Throws.ArgumentException.With.Message.Contains("is not empty"));
        Assert.That(() => StoreFiles.RestoreAsync(root, toRoot), Throws.ArgumentException.With.Message.Contains("is not empty"));
        Assert.That(Directory.EnumerateFileSystemEntries(other.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal), Is.EqualTo(before));
        Assert.That(await StoreFiles.VerifyAsync(root), Is.Empty);

        (string Target, string Found)[] Places() =>
        [
            (Path.Combine(root, "sub"), root), (Path.Combine(root, "a", "b", "c"), root), (Path.Combine(root, "journal", "sub"), Path.Combine(root, "journal")),
            (Path.Combine(toRoot, "sub"), root), (Path.Combine(toPart, "sub"), elsewhere), (Path.Combine(root, "index", "sub"), elsewhere),
            (Path.Combine(elsewhere, "sub"), elsewhere), (Path.Combine(other.Path, "nowhere", "..", "to-root", "sub"), root),
        ];

        static string Refusal(string target, string found) =>
            $"Directory '{Path.GetFullPath(target)}' is within '{found}', which belongs to a store; a copy needs a place outside of it.";
    }

    /// <summary>A directory that somebody put beside the files of a store is not of it.</summary>
    [Test]
    public async Task Restore_SomethingElseInTheDirectory_IsLeftOut()
    {
        using var target = new TemporaryDirectory();
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await store.StoreAllAsync("emb", Items(0));
        }

        Directory.CreateDirectory(Path.Combine(_directory.Path, "lost+found"));
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "lost+found", "x"), "x");
        await StoreFiles.RestoreAsync(_directory.Path, Path.Combine(target.Path, "restored"));
        Assert.That(Directory.Exists(Path.Combine(target.Path, "restored", "lost+found")), Is.False);
        await CheckAsync(Path.Combine(target.Path, "restored"), 1, 1);
    }

    private static VectorItem[] Items(int batch) => TestVectors.Items(batch, Batch, Dimension, $"b{batch}-");

    private static async Task CheckAsync(string directory, int least, int most)
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, Options());
        while (store.GetStatus().RunningJobs > 0)
        {
            await Task.Delay(20, Token);
        }

        List<string> ids = await store.ListIdsAsync("emb");
        int batches = ids.Count / Batch;
        Assert.That(batches, Is.InRange(least, most));
        VectorItem[] items = [.. Enumerable.Range(0, batches).SelectMany(Items)];
        Assert.That(ids, Is.EqualTo(items.Select(item => item.Id).Order(StringComparer.Ordinal)));
        float[] query = TestVectors.Gaussian(new Random(8), Dimension);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
    }

    /// <summary>Holds up the first file that is made in a directory.</summary>
    private sealed class HeldDisk(string directory) : Disk
    {
        public string Directory => directory;

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim Release { get; } = new();

        public override DiskFile Open(string path, FileMode mode, FileShare share, bool writeThrough)
        {
            if (path.StartsWith(directory, StringComparison.Ordinal))
            {
                Reached.TrySetResult();
                Release.Wait();
            }

            return base.Open(path, mode, share, writeThrough);
        }
    }
}
