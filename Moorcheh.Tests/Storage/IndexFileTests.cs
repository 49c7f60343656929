using Microsoft.Extensions.Logging;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Storage;

/// <summary>The index comes from its files at an opening; whatever is wrong with them, it is made anew and answers are the same.</summary>
[CancelAfter(240_000)]
internal sealed class IndexFileTests
{
    private const int Dimension = 12;
    private const int Count = 70_000; // One full segment and a growing one.
    private const string Rebuilt = "is made anew";

    private TemporaryDirectory _directory = null!;
    private readonly VectorItem[] _items =
        [.. TestVectors.Items(11, Count, Dimension).Select((item, i) => item with { Metadata = Metadata("mod", i % 1000) })];

    private string IndexDirectory => Path.Combine(_directory.Path, "index");

    [SetUp]
    public void Create() => _directory = new TemporaryDirectory();

    [TearDown]
    public void Remove() => _directory.Dispose();

    [Test]
    public async Task Reopen_AfterChangesOfEveryKind_ReadsTheFilesAndAnswersTheSame()
    {
        await FillAsync();
        string[] doomed = [.. _items.Where((_, i) => i % 701 == 0).Select(item => item.Id)];
        var live = _items.ToDictionary(item => item.Id);
        await using (MoorchehStore store = await OpenQuietlyAsync(isRebuilt: false))
        {
            foreach (string[] part in doomed.Chunk(100))
            {
                await store.DeleteItemsAsync("emb", part);
            }

            VectorItem[] updates = [.. TestVectors.Items(12, 300, Dimension).Select((item, i) => item with { Id = $"v{(i * 3) + 1}" })];
            await store.StoreAsync("emb", updates);
            foreach (VectorItem item in updates)
            {
                live[item.Id] = item;
            }
        }

        foreach (string id in doomed)
        {
            live.Remove(id);
        }

        await using MoorchehStore again = await OpenQuietlyAsync(isRebuilt: false);
        await CheckAsync(again, live.Values);
    }

    /// <summary>Both files, in every section: a flipped byte, a missing and an emptied file, a cut one, one of a foreign version.</summary>
    [Test]
    public async Task Reopen_DamagedFiles_IndexIsMadeAnewAndAnswersTheSame([Values("*.segment", "*.index")] string kind)
    {
        await FillAsync();
        string file = Directory.EnumerateFiles(IndexDirectory, kind).Single();
        byte[] whole = await File.ReadAllBytesAsync(file);
        int[] places = [0, 70, .. Enumerable.Range(1, 3).Select(i => (int)(whole.Length * (long)i / 4)), whole.Length - 1];
        List<byte[]?> mutants = [null, [], whole[..(whole.Length / 2)], .. places.Select(place => Flipped(whole, place))];
        foreach (byte[]? mutant in mutants.Where((_, i) => kind == "*.segment" || i % 2 == 0))
        {
            using var copy = new TemporaryDirectory();
            CrashCopy.Copy(_directory.Path, copy.Path);
            string target = Path.Combine(copy.Path, "index", Path.GetFileName(file));
            if (mutant is null)
            {
                File.Delete(target);
            }
            else
            {
                await File.WriteAllBytesAsync(target, mutant);
            }

            await using MoorchehStore store = await OpenQuietlyAsync(isRebuilt: true, copy.Path);
            await CheckAsync(store, _items);
        }
    }

    /// <summary>A sector that cannot be read, or a file that somebody cuts meanwhile: at its first read, and at later ones.</summary>
    [Test]
    public async Task Reopen_FileFailsWhileItIsRead_IndexIsMadeAnewAndAnswersTheSame([Values] bool isCut)
    {
        await FillAsync();
        foreach (string suffix in (string[])[".segment", ".index"])
        {
            foreach (int readsBefore in (int[])[0, 3, 12])
            {
                using var copy = new TemporaryDirectory();
                CrashCopy.Copy(_directory.Path, copy.Path);
                var disk = new FailingDisk(suffix, readsBefore, isCut);
                await using MoorchehStore store = await OpenQuietlyAsync(isRebuilt: true, copy.Path, disk);
                Assert.That(disk.HasFailed, $"{suffix} after {readsBefore} reads");
                await CheckAsync(store, _items);
            }
        }
    }

    /// <summary>The same in a process of its own, which a read through a mapping would end: with a file that was cut, and with one whose reads fail.</summary>
    [Test]
    public async Task Reopen_FileFailsInTheSystem_ProcessLivesAndAnswersTheSame([Values("*.segment", "*.index")] string kind)
    {
        await FillAsync();
        string expected = await IndexAnswers.ComputeAsync(_directory.Path);
        Assert.That(expected, Does.StartWith(IndexAnswers.Read));
        using (var copy = new TemporaryDirectory())
        {
            CrashCopy.Copy(_directory.Path, copy.Path);
            string file = Directory.EnumerateFiles(Path.Combine(copy.Path, "index"), kind).Single();
            using (FileStream stream = File.OpenWrite(file))
            {
                stream.SetLength(stream.Length / 3);
            }

            Assert.That(await ChildProcess.RunAsync([IndexAnswers.Name, copy.Path]), Is.EqualTo(expected.Replace(IndexAnswers.Read, IndexAnswers.MadeAnew, StringComparison.Ordinal)));
        }

        SystemCallFaults.Require();
        using (var copy = new TemporaryDirectory())
        {
            CrashCopy.Copy(_directory.Path, copy.Path);
            string file = Directory.EnumerateFiles(Path.Combine(copy.Path, "index"), kind).Single();
            string answer = await ChildProcess.RunUnderAsync(
                "strace", ["-f", "-qq", "-o", "/dev/null", "-P", file, "-e", "trace=pread64", "-e", "inject=pread64:error=EIO:when=2+"], [IndexAnswers.Name, copy.Path]);
            Assert.That(answer, Is.EqualTo(expected.Replace(IndexAnswers.Read, IndexAnswers.MadeAnew, StringComparison.Ordinal)));
        }
    }

    /// <summary>Codes around the mean of their vectors tell more; an index that is made anew has to find that mean first.</summary>
    [Test]
    public async Task Reopen_WithoutFilesVectorsFarFromZero_SearchIsNoMoreWork()
    {
        const int Wide = 64;
        VectorItem[] items =
        [
            .. TestVectors.Items(13, Count, Wide).Select(item => item with { Vector = item.Vector.ToArray().Select(value => value + 4).ToArray() }),
        ];
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Wide);
            foreach (VectorItem[] part in items.Chunk(10_000))
            {
                await store.StoreAsync("emb", part);
            }
        }

        double before;
        await using (MoorchehStore store = await OpenQuietlyAsync(isRebuilt: false))
        {
            before = await WorkAsync(store);
        }

        Directory.Delete(IndexDirectory, recursive: true);
        await using MoorchehStore again = await OpenQuietlyAsync(isRebuilt: true);
        Assert.That(await WorkAsync(again), Is.LessThan(1.25 * before));

        async Task<double> WorkAsync(MoorchehStore store)
        {
            double work = 0;
            for (int q = 0; q < 20; q++)
            {
                work += (await store.SearchAsync(new SearchRequest("emb", items[q * 97].Vector.ToArray()))).Work.Rescored8;
            }

            return work;
        }
    }

    [Test]
    public async Task Checkpoints_FilesNobodyNeeds_AreRemoved()
    {
        await FillAsync();
        await using MoorchehStore store = await OpenAsync(_directory);
        for (int i = 0; i < 6; i++)
        {
            await store.StoreAsync("emb", _items[i]);
            await store.CheckpointAsync(Token);
        }

        string[] files = [.. Directory.EnumerateFiles(IndexDirectory).Select(file => Path.GetExtension(file))];
        Assert.That(files.Count(extension => extension == ".segment"), Is.EqualTo(1));
        Assert.That(files.Count(extension => extension == ".index"), Is.EqualTo(2), "Those of the two checkpoints that are kept.");
        await (await store.DeleteNamespaceAsync("emb")).WaitAsync(Token);
        for (int i = 0; i < 2; i++)
        {
            await store.CreateNamespaceAsync($"other{i}", NamespaceKind.Vector, 2);
            await store.CheckpointAsync(Token);
        }

        Assert.That(Directory.EnumerateFiles(IndexDirectory), Is.Empty);
    }

    private static byte[] Flipped(byte[] bytes, int place)
    {
        byte[] flipped = (byte[])bytes.Clone();
        flipped[place] ^= 0x10;
        return flipped;
    }

    private static async Task CheckAsync(MoorchehStore store, ICollection<VectorItem> items)
    {
        Assert.That(store.GetStatus().Items, Is.EqualTo(items.Count));
        var random = new Random(5);
        VectorItem[] some = [.. items.Where(item => item.Metadata?.ToString() == """{"mod":77}""")];
        for (int q = 0; q < 5; q++)
        {
            float[] query = TestVectors.Gaussian(random, Dimension);
            Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
            SearchRequest filtered = new("emb", query) { Metadata = Metadata("mod", 77) };
            Assert.That(await store.FindAsync(filtered), Is.EqualTo(BruteForce.Nearest(some, query, 10)));
            SearchRequest proved = new("emb", query) { Guarantee = SearchGuarantee.Absolute };
            Assert.That(await store.FindAsync(proved), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
        }
    }

    private async Task FillAsync()
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        foreach (VectorItem[] part in _items.Chunk(10_000))
        {
            await store.StoreAsync("emb", part);
        }
    }

    private async Task<MoorchehStore> OpenQuietlyAsync(bool isRebuilt, string? path = null, Disk? disk = null)
    {
        var logger = new RecordingLogger();
        MoorchehOptions options = Options();
        options.LoggerFactory = LoggerFactory.Create(builder => builder.AddProvider(logger));
        options.Disk = disk ?? options.Disk;
        MoorchehStore store = await MoorchehStore.OpenAsync(path ?? _directory.Path, options, Token);
        Assert.That(logger.Entries.Any(entry => entry.Message.Contains(Rebuilt, StringComparison.Ordinal)), Is.EqualTo(isRebuilt));
        return store;
    }

    /// <summary>Fails to read a kind of file, once and after some reads of it; or cuts the file instead.</summary>
    private sealed class FailingDisk(string suffix, int readsBefore, bool isCut) : Disk
    {
        private int _reads;

        public bool HasFailed { get; private set; }

        public override int Read(DiskFile file, Span<byte> bytes, long offset)
        {
            if (file.Path.EndsWith(suffix, StringComparison.Ordinal) && Interlocked.Increment(ref _reads) == readsBefore + 1)
            {
                HasFailed = true;
                if (!isCut)
                {
                    throw new IOException("Input/output error");
                }

                using FileStream cut = new(file.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                cut.SetLength(offset);
            }

            return base.Read(file, bytes, offset);
        }
    }
}
