using System.Text;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar;

/// <summary>
/// The commands of the sidecar on stores that real processes left. What is reported as sound is whole, what is reported as lost is really
/// lost, nothing else is dropped, and nothing is dropped unasked.
/// </summary>
[CancelAfter(120_000)]
internal sealed class MaintenanceTests
{
    private const int Count = 1200;
    private const int Dimension = 8;

    private static readonly VectorItem[] Items =
    [
        .. TestVectors.Items(77, Count, Dimension).Select(item => item with { Metadata = TestStore.Metadata("pad", new string('p', 4000) + item.Id + ".") }),
    ];

    private TemporaryDirectory _directory = null!;

    private string Data => Path.Combine(_directory.Path, "data");

    private string RecordLog => Path.Combine(Data, "records", "records.log.0");

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Commands_WrongArguments_AreRefused()
    {
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--verify");
        Assert.That((exitCode, output), Is.EqualTo((2, output)));
        Assert.That(output, Does.Contain("--verify DIR").And.Contain("--restore SNAPSHOT DIR"));
        (exitCode, output) = await SidecarProcess.RunToEndAsync("--verify", _directory.Path);
        Assert.That(exitCode, Is.EqualTo(2), output);
        Assert.That(output, Does.Contain("is not the directory of a store"));
        Assert.That(Directory.EnumerateFileSystemEntries(_directory.Path), Is.Empty);
    }

    [Test]
    public async Task Verify_OpenStore_IsRefusedWithItsProcess()
    {
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(Data, "--embedding-provider", "none");
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--verify", Data);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("is open in process"));
    }

    [Test]
    public async Task Verify_SoundStore_SaysSoAndChangesNothing()
    {
        await FillAsync();
        var before = Contents();
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--verify", Data);
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.Contain("is sound"));
        Assert.That(Contents(), Is.EqualTo(before));
    }

    [Test]
    public async Task Verify_EveryKindOfDamage_IsFoundWithItsFile()
    {
        await FillAsync();
        string newest = Directory.EnumerateFiles(Path.Combine(Data, "checkpoints"), "*.manifest").Order(StringComparer.Ordinal).Last();
        string index = Directory.EnumerateFiles(Path.Combine(Data, "index"), "*.index").First();
        foreach ((string file, long at, DamageEffect effect) in ((string, long, DamageEffect)[])[
            (newest, 30, DamageEffect.None), (index, 20, DamageEffect.None), (RecordLog, Find(RecordLog, Items[40]), DamageEffect.Partial)])
        {
            Flip(file, at);
            IReadOnlyList<StoreDamage> found = await StoreFiles.VerifyAsync(Data);
            Assert.That(found.Select(damage => (damage.Path, damage.Effect)), Is.EqualTo(new[] { (file, effect) }));
            (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--verify", Data);
            Assert.That(exitCode, Is.EqualTo(1), output);
            Assert.That(output, Does.Contain(file));
            Flip(file, at);
        }

        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
    }

    [Test]
    public async Task Repair_NothingLost_MakesItSound()
    {
        await FillAsync();
        string newest = Directory.EnumerateFiles(Path.Combine(Data, "checkpoints"), "*.manifest").Order(StringComparer.Ordinal).Last();
        Flip(newest, 30);
        foreach (string index in Directory.EnumerateFiles(Path.Combine(Data, "index")))
        {
            Flip(index, 20);
        }

        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--repair", Data);
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.Contain("is sound now").And.Not.Contain("Lost:"));
        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
        await CheckAsync(Data, Items);
    }

    [Test]
    public async Task Repair_DamagedRecords_DropsThoseWhenAskedOnly()
    {
        await FillAsync();
        Flip(RecordLog, Find(RecordLog, Items[40]));
        Flip(RecordLog, Find(RecordLog, Items[90]));
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--repair", Data);
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain($"Lost: Item '{Items[40].Id}'").And.Contain("--drop-damaged"));
        string[] lost = await UnreadableAsync();
        Assert.That(lost, Does.Contain(Items[40].Id).And.Contain(Items[90].Id));
        Assert.That(lost, Has.Length.LessThanOrEqualTo(6), "A block of 4 KiB holds parts of two or three records.");
        foreach (string id in lost)
        {
            Assert.That(output, Does.Contain($"Lost: Item '{id}'"));
        }

        (exitCode, output) = await SidecarProcess.RunToEndAsync("--repair", Data, "--drop-damaged");
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output.Split("Dropped: Item ").Length - 1, Is.EqualTo(lost.Length));
        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
        await CheckAsync(Data, [.. Items.Where(item => !lost.Contains(item.Id))]);
    }

    /// <summary>What is damaged came after the older checkpoint, so it is in the journal, too.</summary>
    [Test]
    public async Task Repair_DamagedRecordBehindTheOlderCheckpoint_LosesNothing()
    {
        await FillAsync();
        Flip(RecordLog, Find(RecordLog, Items[700]));
        Assert.That((await StoreFiles.VerifyAsync(Data)).Select(damage => damage.Effect), Is.EqualTo((DamageEffect[])[DamageEffect.Partial]));
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--repair", Data);
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.Not.Contain("Lost:"));
        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
        await CheckAsync(Data, Items);
    }

    [Test]
    public async Task Repair_DamagedPayloadOfAnUnfinishedUpload_EndsThatJobWhenAsked()
    {
        string crashed = Path.Combine(_directory.Path, "crashed");
        string job;
        using (var embedder = new TestEmbedder())
        {
            await using MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options(embedder));
            await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
            await store.StoreAsync("docs", new Document("first", "one"));
            embedder.Block();
            job = (await store.UploadDocumentsAsync("docs", [new Document("second", "the payload")])).Id;
            await store.CheckpointAsync();
            CrashCopy.Take(Data, crashed);
            embedder.Release();
        }

        string journal = Path.Combine(crashed, "journal", "journal.log.0");
        Flip(journal, File.ReadAllBytes(journal).AsSpan().IndexOf("the payload"u8));
        Assert.That((await StoreFiles.VerifyAsync(crashed)).Select(damage => damage.Effect), Is.EqualTo((DamageEffect[])[DamageEffect.Partial]));
        StoreRepair found = await StoreFiles.RepairAsync(crashed, dropDamaged: false);
        Assert.That((found.IsSound, found.Lost), Is.EqualTo((false, (string[])[$"What upload job '{job}' of namespace 'docs' has not stored yet."])));
        StoreRepair repaired = await StoreFiles.RepairAsync(crashed, dropDamaged: true);
        Assert.That((repaired.IsSound, repaired.Lost), Is.EqualTo((true, found.Lost)));
        Assert.That(await StoreFiles.VerifyAsync(crashed), Is.Empty);
        await using MoorchehStore opened = await MoorchehStore.OpenAsync(crashed, TestStore.Options());
        Assert.That(await opened.ListIdsAsync("docs"), Is.EqualTo((string[])["first"]));
        UploadJobStatus ended = opened.Jobs.FindUpload("docs", job)!;
        Assert.That((ended.State, ended.Failed, ended.LastError), Is.EqualTo((JobState.Completed, 1L, "The journal is damaged in what the job was to store.")));
    }

    /// <summary>A kill leaves index files without their front, which nothing refers to.</summary>
    [Test]
    public async Task Verify_UnfinishedIndexFile_IsNoDamage()
    {
        await FillAsync();
        await File.WriteAllBytesAsync(Path.Combine(Data, "index", $"{Guid.NewGuid():N}.index"), new byte[5000]);
        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
    }

    [Test]
    public async Task Repair_DamagedJournal_EndsBeforeTheDamageWhenAsked()
    {
        string crashed = Path.Combine(_directory.Path, "crashed");
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options()))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await store.StoreAsync("emb", Items[..100]);
            await store.StoreAsync("emb", Items[100..200]);
            CrashCopy.Take(Data, crashed);
        }

        string journal = Path.Combine(crashed, "journal", "journal.log.0");
        Flip(journal, Find(journal, Items[150]));
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--repair", crashed);
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain("Lost: Whatever the journal held from address"));
        await TestStore.RefusedAsync(() => MoorchehStore.OpenAsync(crashed, TestStore.Options()), "storage-damaged");
        (exitCode, output) = await SidecarProcess.RunToEndAsync("--repair", crashed, "--drop-damaged");
        Assert.That(exitCode, Is.Zero, output);
        await CheckAsync(crashed, Items[..100]);
    }

    [Test]
    public async Task Repair_NoCheckpointIsSound_SaysToRestore()
    {
        await FillAsync();
        foreach (string manifest in Directory.EnumerateFiles(Path.Combine(Data, "checkpoints"), "*.manifest"))
        {
            Flip(manifest, 30);
        }

        var before = Contents();
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--repair", Data, "--drop-damaged");
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain("does not open").And.Contain("from a backup"));
        Assert.That(Contents(), Is.EqualTo(before));
    }

    /// <summary>Without them the rest looks like the beginning of a new store.</summary>
    [Test]
    public async Task Repair_CheckpointsAreGone_SaysToRestoreAndChangesNothing()
    {
        await FillAsync();
        foreach (string manifest in Directory.EnumerateFiles(Path.Combine(Data, "checkpoints"), "*.manifest"))
        {
            File.Delete(manifest);
        }

        File.Move(Path.Combine(Data, "journal", "journal.log.0"), Path.Combine(Data, "journal", "journal.log.1"));
        var before = Contents();
        Assert.That((await StoreFiles.VerifyAsync(Data)).Select(damage => damage.Effect), Does.Contain(DamageEffect.Refused));
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--repair", Data, "--drop-damaged");
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain("from a backup"));
        MoorchehException? refused = await Assert.ThrowsAsync<MoorchehException>(() => MoorchehStore.OpenAsync(Data, TestStore.Options()));
        Assert.That((refused!.Code, refused.Message), Is.EqualTo((ErrorCodes.StorageDamaged, refused.Message)));
        Assert.That(refused.Message, Does.Contain("No checkpoint is in"));
        Assert.That(Contents().Where(file => !file.Name.Contains("lock", StringComparison.Ordinal)), Is.EqualTo(before.Where(file => !file.Name.Contains("lock", StringComparison.Ordinal))));
    }

    /// <summary>What is alive fits into one page, so that it begins and ends there.</summary>
    [Test]
    public async Task Repair_FewItemsOfManyAreLeft_OpensAgainAndAgain()
    {
        await FillAsync();
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options()))
        {
            foreach (string[] ids in Items[50..].Select(item => item.Id).Chunk(MoorchehStore.MaxIds))
            {
                await store.DeleteItemsAsync("emb", ids);
            }
        }

        Flip(RecordLog, Find(RecordLog, Items[40]));
        StoreRepair repaired = await StoreFiles.RepairAsync(Data, dropDamaged: true);
        Assert.That(repaired.IsSound, Is.True);
        VectorItem[] left = [.. Items[..50].Where(item => !repaired.Lost.Contains($"Item '{item.Id}' of namespace 'emb'."))];
        Assert.That(left, Has.Length.InRange(44, 49));
        for (int i = 0; i < 3; i++)
        {
            await CheckAsync(Data, left);
        }

        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
    }

    /// <summary>A snapshot taken by one process while it works, restored by another, served by a third.</summary>
    [Test]
    public async Task Restore_Snapshot_IsTheStoreOfThatMoment()
    {
        string snapshot = Path.Combine(_directory.Path, "snapshot");
        string restored = Path.Combine(_directory.Path, "restored");
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options()))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await store.StoreAsync("emb", Items[..500]);
            await store.SnapshotAsync(snapshot);
            await store.DeleteItemsAsync("emb", [Items[3].Id]);
            await store.StoreAsync("emb", Items[500..]);
        }

        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--restore", snapshot, restored);
        Assert.That(exitCode, Is.Zero, output);
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(restored, "--embedding-provider", "none"))
        {
            await sidecar.KillAsync();
        }

        await CheckAsync(restored, Items[..500]);
        await CheckAsync(snapshot, Items[..500]);
    }

    [Test]
    public async Task Restore_DamagedSnapshotOrUsedTarget_IsRefused()
    {
        string snapshot = Path.Combine(_directory.Path, "snapshot");
        string target = Path.Combine(_directory.Path, "target");
        await FillAsync();
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options()))
        {
            await store.SnapshotAsync(snapshot);
        }

        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--restore", snapshot, Data);
        Assert.That(exitCode, Is.EqualTo(2), output);
        Assert.That(output, Does.Contain("is not empty"));
        Flip(Path.Combine(snapshot, "records", "records.log.0"), 100_000);
        (exitCode, output) = await SidecarProcess.RunToEndAsync("--restore", snapshot, target);
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain("The snapshot in").And.Contain("is damaged"));
        Assert.That(Directory.Exists(target), Is.False);
        await CheckAsync(Data, Items);
    }

    [Test]
    public async Task Restore_PlaceWithinTheStore_IsRefusedAndChangesNothing()
    {
        await FillAsync();
        var before = Contents();
        foreach ((string target, string found) in ((string, string)[])[
            (Path.Combine(Data, "sub"), Data), (Path.Combine(Data, "records", "a", "b"), Path.Combine(Data, "records"))])
        {
            (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--restore", Data, target);
            Assert.That(exitCode, Is.EqualTo(2), output);
            Assert.That(output, Does.StartWith($"Directory '{target}' is within '{found}', which belongs to a store"));
        }

        Assert.That(Contents(), Is.EqualTo(before));
        Assert.That(Directory.Exists(Path.Combine(Data, "sub")), Is.False);
    }

    private static long Find(string file, VectorItem item) =>
        File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes($"{item.Id}.")) is > 0 and var at
            ? at
            : throw new InvalidOperationException($"'{item.Id}' is not in '{file}'.");

    private static void Flip(string file, long at)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = at;
        int before = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(before ^ 0x10));
    }

    private static async Task CheckAsync(string directory, VectorItem[] items)
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, TestStore.Options());
        Assert.That(await store.ListIdsAsync("emb"), Is.EqualTo(items.Select(item => item.Id).Order(StringComparer.Ordinal)));
        foreach (VectorItem[] page in items.Chunk(MoorchehStore.MaxIds))
        {
            IReadOnlyList<Item> found = await store.GetItemsAsync("emb", [.. page.Select(item => item.Id)]);
            Assert.That(found.Select(item => item.Metadata), Is.EqualTo(page.Select(item => item.Metadata)));
        }

        float[] query = TestVectors.Gaussian(new Random(8), Dimension);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(items, query, 10)));
    }

    /// <summary>More than a page of records, so that not all are in the last one.</summary>
    private async Task FillAsync()
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        await store.StoreAsync("emb", Items[..600]);
        await store.CheckpointAsync();
        await store.StoreAsync("emb", Items[600..]);
    }

    private async Task<string[]> UnreadableAsync()
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(Data, TestStore.Options());
        List<string> unreadable = [];
        foreach (VectorItem item in Items)
        {
            try
            {
                Assert.That(await store.GetItemsAsync("emb", [item.Id]), Has.Count.EqualTo(1));
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageDamaged)
            {
                unreadable.Add(item.Id);
            }
        }

        return [.. unreadable];
    }

    private (string Name, string Hash)[] Contents() =>
    [
        .. Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(file => (file, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file))))),
    ];
}
