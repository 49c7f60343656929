using System.Globalization;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Storage;

/// <summary>A directory opens as it was left, or is refused with a reason; it never opens empty or with a part missing.</summary>
[CancelAfter(60_000)]
internal sealed class RecoveryTests
{
    private TemporaryDirectory _directory = null!;

    private string Checkpoints => Path.Combine(_directory.Path, "checkpoints");

    private string Journal => Path.Combine(_directory.Path, "journal", "journal.log.0");

    private string[] Manifests => [.. Directory.EnumerateFiles(Checkpoints, "*.manifest").Order(StringComparer.Ordinal)];

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    /// <summary>
    /// A place of the record log that the disk cannot read, at one look or another: of the checksums, or of FASTER, which waits for ever behind a
    /// scan that failed.
    /// </summary>
    [Test]
    public async Task Open_UnreadableRecordAndNoIndex_IsRefused([Values(0, 1)] int readsBefore)
    {
        await FillLongLogAsync();

        foreach (string index in Directory.EnumerateFiles(Path.Combine(_directory.Path, "index")))
        {
            File.Delete(index);
        }

        MoorchehOptions options = Options();
        options.Disk = new UnreadableDisk(at: 100_000, readsBefore);
        await RefusedAsync(() => OpenAsync(_directory, options).WaitAsync(Token), "storage-damaged");
    }

    /// <summary>The same in a running store: what needs the place is refused, the rest is served, and the status shows it.</summary>
    [Test]
    public async Task Read_UnreadableRecord_IsRefusedAndCounted()
    {
        VectorItem[] items = await FillLongLogAsync();

        MoorchehOptions options = Options();
        options.Disk = new UnreadableDisk(at: 100_000, readsBefore: 0);
        await using MoorchehStore again = await OpenAsync(_directory, options);
        Assert.That(again.GetStatus().DamagedReads, Is.Zero);
        int refused = 0;
        foreach (VectorItem item in items[..100])
        {
            try
            {
                Assert.That(await again.GetItemsAsync("emb", [item.Id]), Has.Count.EqualTo(1));
            }
            catch (MoorchehException e) when (e.Code == "storage-damaged")
            {
                refused++;
            }
        }

        Assert.That(refused, Is.InRange(1, 3), "4 KiB are parts of two records or three.");
        Assert.That(again.GetStatus().DamagedReads, Is.GreaterThanOrEqualTo(refused));
    }

    [Test]
    public async Task Open_AlreadyOpen_IsRefusedWithProcessAndPath()
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        MoorchehException refusal = await RefusedAsync(() => OpenAsync(_directory), "directory-locked");
        string pid = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        Assert.That(refusal.Message, Does.Contain(pid).And.Contain(_directory.Path));
        Assert.That(refusal.Facts, Is.EquivalentTo(new Dictionary<string, object> { ["ProcessId"] = pid, ["Directory"] = _directory.Path }));
        await store.CreateNamespaceAsync("still", NamespaceKind.Text);
    }

    [Test]
    public async Task Open_NewerDirectoryFormat_IsRefusedAndUntouched()
    {
        await FillAsync(1);
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "format"), "2");
        MoorchehException refusal = await RefusedAsync(() => OpenAsync(_directory), "unsupported-format");
        Assert.That(refusal.Message, Does.Contain("'2'").And.Contain("1"));
        Assert.That(refusal.Facts["Found"], Is.EqualTo("2"));
        Assert.That(refusal.Facts["Supported"], Is.EqualTo(1));
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "format"), "1");
        await CheckAsync(1);
    }

    [Test]
    public async Task Open_CommittedEntryDamaged_IsRefused()
    {
        using var crashed = new TemporaryDirectory();
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
            await store.StoreAsync("emb", TestVectors.Items(0, 50, 8));
            await store.StoreAsync("emb", TestVectors.Items(0, 50, 8));
            CrashCopy.Take(_directory.Path, crashed.Path);
        }

        string journal = Path.Combine(crashed.Path, "journal", "journal.log.0");
        byte[] bytes = await File.ReadAllBytesAsync(journal);
        int used = Array.FindLastIndex(bytes, b => b != 0) + 1;
        foreach (int at in (int[])[64, 70, 200, used / 2, used - 3])
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= 0x10;
            await File.WriteAllBytesAsync(journal, damaged);
            MoorchehException refusal = await RefusedAsync(() => OpenAsync(crashed), "storage-damaged");
            Assert.That(refusal.Message, Does.Contain(journal[..^2]));
            Assert.That(await File.ReadAllBytesAsync(journal), Is.EqualTo(damaged), "A refused directory is left as it was.");
        }

        await File.WriteAllBytesAsync(journal, bytes);
        await using MoorchehStore whole = await OpenAsync(crashed);
        Assert.That(whole.GetStatus().Items, Is.EqualTo(50));
    }

    [Test]
    public async Task Open_NeededJournalMissing_IsRefused()
    {
        using var crashed = new TemporaryDirectory();
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
            CrashCopy.Take(_directory.Path, crashed.Path);
        }

        File.Delete(Path.Combine(crashed.Path, "journal", "journal.log.0"));
        await RefusedAsync(() => OpenAsync(crashed), "storage-damaged");
    }

    [Test]
    public async Task Open_TailNotCommitted_IsCutAndTheStoreGoesOn()
    {
        using var crashed = new TemporaryDirectory();
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
            await store.StoreAsync("emb", TestVectors.Items(0, 10, 8));
            CrashCopy.Take(_directory.Path, crashed.Path);
        }

        string journal = Path.Combine(crashed.Path, "journal", "journal.log.0");
        byte[] bytes = await File.ReadAllBytesAsync(journal);
        int used;
        using (var files = new JournalFiles(journal[..^2], Disk.Default))
        {
            used = (int)files.Scan(FasterSettings.FirstAddress, (_, _, _) => { });
        }

        Array.Resize(ref bytes, Math.Max(bytes.Length, used + 1000));
        new Random(1).NextBytes(bytes.AsSpan(used, 500));
        await File.WriteAllBytesAsync(journal, bytes);
        for (int round = 1; round <= 3; round++)
        {
            await using MoorchehStore store = await OpenAsync(crashed);
            Assert.That(store.GetStatus().Items, Is.EqualTo(10 * round));
            await store.StoreAsync("emb", TestVectors.Items(round, 10, 8, $"r{round}-"));
        }
    }

    /// <summary>The very first entry was torn: the journal begins anew, and nothing of the torn one may be read later.</summary>
    [Test]
    public async Task Open_OnlyGarbageInTheJournal_BeginsAnew()
    {
        await using (await OpenAsync(_directory))
        {
        }

        byte[] garbage = new byte[10_000];
        new Random(5).NextBytes(garbage);
        await File.WriteAllBytesAsync(Journal, garbage);
        for (int round = 0; round < 3; round++)
        {
            await using MoorchehStore store = await OpenAsync(_directory);
            Assert.That(store.ListNamespaces(), Has.Count.EqualTo(round));
            await store.CreateNamespaceAsync($"n{round}", NamespaceKind.Text);
            Assert.That(new FileInfo(Journal).Length == garbage.Length, Is.False);
        }
    }

    [Test]
    public async Task Open_NewestManifestOrIndexDamaged_FallsBackAndReplaysMore([Values("manifest", "cut", "index", "index missing")] string what)
    {
        await FillAsync(3);
        string newest = Manifests[^1];
        Assert.That(Manifests, Has.Length.EqualTo(2));
        string[] indexes = [.. Directory.EnumerateFiles(Checkpoints, "*.index.*").OrderBy(File.GetLastWriteTimeUtc)];
        Assert.That(indexes, Has.Length.EqualTo(2));
        switch (what)
        {
            case "manifest":
                await DamageAsync(newest, 40);
                break;
            case "cut":
                await File.WriteAllBytesAsync(newest, (await File.ReadAllBytesAsync(newest))[..30]);
                break;
            case "index":
                await DamageAsync(IndexOf(newest), 100);
                break;
            default:
                File.Delete(IndexOf(newest));
                break;
        }

        await CheckAsync(3);
        await CheckAsync(3); // And its own checkpoint is sound.
    }

    [Test]
    public async Task Open_BothManifestsDamaged_IsRefused()
    {
        await FillAsync(3);
        foreach (string manifest in Manifests)
        {
            await DamageAsync(manifest, 50);
        }

        MoorchehException refusal = await RefusedAsync(() => OpenAsync(_directory), "storage-damaged");
        Assert.That(refusal.Message, Does.Contain("None of the 2 checkpoints").And.Contain(Manifests[0]).And.Contain(Manifests[1]));
        Assert.That(Manifests, Has.Length.EqualTo(2));
    }

    [Test]
    public async Task Open_ManifestOfANewerFormat_IsRefusedWithBothVersions()
    {
        await FillAsync(1);
        byte[] bytes = await File.ReadAllBytesAsync(Manifests[^1]);
        bytes[4] = 7;
        BitConverter.TryWriteBytes(bytes.AsSpan(12), Crc32C.Append(Crc32C.Of(bytes.AsSpan(0, 12)), bytes.AsSpan(16)));
        await File.WriteAllBytesAsync(Manifests[^1], bytes);
        MoorchehException refusal = await RefusedAsync(() => OpenAsync(_directory), "unsupported-format");
        Assert.That(refusal.Facts, Is.EquivalentTo(new Dictionary<string, object> { ["Found"] = 7, ["Supported"] = 2 }));
    }

    [Test]
    public async Task Open_RecordBodyDamaged_IsATypedErrorForThatItem()
    {
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
            var padding = TestStore.Metadata("pad", new string('x', 4000));
            await store.StoreAsync("emb", [.. Enumerable.Range(0, 2000).Select(n => new VectorItem($"id-{n:D4}.", new float[] { n, 1 }, padding))]);
        }

        string records = Directory.EnumerateFiles(Path.Combine(_directory.Path, "records")).Single();
        await DamageAsync(records, IndexOf(records, "id-0017.") + 1);
        for (int round = 0; round < 2; round++)
        {
            await using MoorchehStore store = await OpenAsync(_directory);
            await RefusedAsync(() => store.GetItemsAsync("emb", ["id-0017."]), "storage-damaged");
            Assert.That(await store.GetItemsAsync("emb", ["id-0014.", "id-0020.", "id-1990."]), Has.Count.EqualTo(3));
        }

        // The records are all there is to make the index from: with one damaged, and not knowing which item it was, there is no right answer.
        Directory.Delete(Path.Combine(_directory.Path, "index"), recursive: true);
        await RefusedAsync(() => OpenAsync(_directory), "storage-damaged");
    }

    /// <summary>FASTER keeps the last page in memory and writes it again: with its damage unseen, it would be written as sound.</summary>
    [Test]
    public async Task Open_LastPageOfTheRecordsDamaged_FallsBackOrIsRefused()
    {
        await FillAsync(3);
        string records = Directory.EnumerateFiles(Path.Combine(_directory.Path, "records")).Single();
        await DamageAsync(records, LastIndexOf(records, "p3-17"));
        await CheckAsync(3); // Part 3 is behind the older checkpoint: it comes from the journal.
        Assert.That(Directory.EnumerateFiles(Checkpoints, "*.unusable").Count(), Is.LessThanOrEqualTo(1));
        await CheckAsync(3);
        await DamageAsync(records, IndexOf(records, "p0-17"));
        MoorchehException refusal = await RefusedAsync(() => OpenAsync(_directory), "storage-damaged");
        Assert.That(refusal.Message, Does.Contain("None of the").And.Contain("log address"));
    }

    [Test]
    public async Task Open_CommitMarkerLost_IsRefused([Values("both slots", "emptied", "deleted")] string what)
    {
        using var crashed = new TemporaryDirectory();
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
            CrashCopy.Take(_directory.Path, crashed.Path);
        }

        string marker = Path.Combine(crashed.Path, "journal", "committed");
        byte[] whole = await File.ReadAllBytesAsync(marker);
        File.Delete(marker);
        if (what != "deleted")
        {
            await File.WriteAllBytesAsync(marker, what == "emptied" ? [] : whole);
        }

        if (what == "both slots")
        {
            await DamageAsync(marker, 20);
            await DamageAsync(marker, 4096 + 9);
        }

        MoorchehException refusal = await RefusedAsync(() => OpenAsync(crashed), "storage-damaged");
        Assert.That(refusal.Message, Does.Contain(marker));
        await File.WriteAllBytesAsync(marker, whole);
        await using MoorchehStore again = await OpenAsync(crashed);
        Assert.That(again.ListNamespaces(), Has.Count.EqualTo(1));
    }

    /// <summary>What is on disk can be damaged while the store is open: a typed error for that item, and deleting or replacing it works.</summary>
    [Test]
    public async Task Open_RecordDamagedWhileOpen_IsATypedErrorAndCanBeReplaced()
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        var padding = TestStore.Metadata("pad", new string('x', 4000));
        for (int i = 0; i < 6; i++)
        {
            await store.StoreAsync("emb", [.. Enumerable.Range(0, 1000).Select(n => new VectorItem($"id-{i}-{n:D4}.", new float[] { n, 1 }, padding))]);
        }

        await store.CheckpointAsync(Token);
        string records = Path.Combine(_directory.Path, "records", "records.log.0");
        foreach (string id in (string[])["id-0-0100.", "id-0-0101."])
        {
            await DamageAsync(records, IndexOf(records, id));
            await RefusedAsync(() => store.GetItemsAsync("emb", [id]), "storage-damaged");
        }

        // A block of 4 KiB is the unit of damage: the records before and behind may share it.
        Assert.That(await store.GetItemsAsync("emb", ["id-0-0097.", "id-0-0104."]), Has.Count.EqualTo(2));
        await RefusedAsync(() => store.SearchAsync(new SearchRequest("emb", [100, 1])), "storage-damaged");
        Assert.That((await store.DeleteItemsAsync("emb", ["id-0-0099.", "id-0-0100."])).DeletedIds, Has.Count.EqualTo(2));
        await store.StoreAsync("emb", new VectorItem("id-0-0101.", [101, 1]), new VectorItem("id-0-0102.", [102, 1]));
        Assert.That(await store.GetItemsAsync("emb", ["id-0-0100.", "id-0-0101.", "id-0-0102."]), Has.Count.EqualTo(2));
        Assert.That((await store.SearchAsync(new SearchRequest("emb", [100.5f, 1]))).Hits, Has.Count.EqualTo(10));
        Assert.That(store.GetStatus().Items, Is.EqualTo(5998));
    }

    private static int LastIndexOf(string file, string text) =>
        File.ReadAllBytes(file).AsSpan().LastIndexOf(System.Text.Encoding.UTF8.GetBytes(text));

    private static int IndexOf(string file, string text)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[8 << 20];
        int read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        int at = bytes.AsSpan(0, read).IndexOf(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.That(at, Is.Positive);
        return at;
    }

    private static async Task DamageAsync(string file, int at)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = at;
        int before = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(before ^ 0x04));
    }

    /// <summary>The hash index file that a manifest names: its token stands after the number.</summary>
    private string IndexOf(string manifest)
    {
        var token = new Guid(File.ReadAllBytes(manifest).AsSpan(24, 16));
        return Path.Combine(Checkpoints, $"{token:N}.index.0");
    }

    /// <summary>Part 0 before the first checkpoint, part i after the i-th, closed with one more.</summary>
    private async Task FillAsync(int checkpoints)
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
        for (int i = 0; i <= checkpoints; i++)
        {
            await store.StoreAsync("emb", TestVectors.Items(i, 100, 8, $"p{i}-"));
            if (i < checkpoints)
            {
                await store.CheckpointAsync(Token);
            }
        }
    }

    private async Task CheckAsync(int checkpoints)
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        VectorItem[] items = [.. Enumerable.Range(0, checkpoints + 1).SelectMany(i => TestVectors.Items(i, 100, 8, $"p{i}-"))];
        Assert.That(await store.ListIdsAsync("emb"), Is.EqualTo(items.Select(item => item.Id).Order(StringComparer.Ordinal)));
        float[] query = TestVectors.Gaussian(new Random(8), 8);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
    }

    /// <summary>More records than memory has pages for.</summary>
    private async Task<VectorItem[]> FillLongLogAsync()
    {
        VectorItem[] items = [.. TestVectors.Items(5, 5000, 8).Select(item => item with { Metadata = Metadata("pad", new string('p', 4000)) })];
        await using (MoorchehStore store = await OpenAsync(_directory))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
            await store.StoreAsync("emb", items);
        }

        return items;
    }

    /// <summary>Cannot read a place of the record log after some reads of it.</summary>
    private sealed class UnreadableDisk(long at, int readsBefore) : Disk
    {
        private int _reads;

        public override int Read(DiskFile file, Span<byte> bytes, long offset)
        {
            if (file.Path.EndsWith("records.log.0", StringComparison.Ordinal) && offset <= at && at < offset + bytes.Length
                && Interlocked.Increment(ref _reads) > readsBefore)
            {
                throw new IOException("Input/output error");
            }

            return base.Read(file, bytes, offset);
        }
    }
}
