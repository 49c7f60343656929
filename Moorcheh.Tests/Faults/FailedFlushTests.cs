using Microsoft.Extensions.Logging;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// A flush that fails is reported once, and what it had to write may never reach the disk. So no checkpoint may count on a later flush, and a power cut at any
/// moment must leave a store with everything that was accepted.
/// </summary>
[Category("Faults")]
[CancelAfter(120_000)]
internal sealed class FailedFlushTests
{
    private const int Dimension = 64;
    private const int InputOutputError = 5;
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;

    private readonly List<VectorItem> _stored = [];

    // Uploads that were on their way to the disk when it failed: they may be there.
    private readonly List<VectorItem> _begun = [];
    private TemporaryDirectory _directory = null!;
    private TemporaryDirectory _onDisk = null!;
    private DroppingDisk _disk = null!;
    private RecordingLogger _logger = null!;

    [SetUp]
    public void SetUp()
    {
        _stored.Clear();
        _begun.Clear();
        _directory = new TemporaryDirectory();
        _onDisk = new TemporaryDirectory();
        _disk = new DroppingDisk(_directory.Path, _onDisk.Path);
        _logger = new RecordingLogger();
        foreach (string part in DataDirectory.Parts)
        {
            Directory.CreateDirectory(Path.Combine(_onDisk.Path, part));
        }
    }

    [TearDown]
    public void TearDown()
    {
        _logger.Dispose();
        _onDisk.Dispose();
        _directory.Dispose();
    }

    [TestCase("records.log", InputOutputError, ErrorCodes.StorageReadOnly)]
    [TestCase("records.log", NoSpace, ErrorCodes.StorageFull)]
    [TestCase("records.log", QuotaExceeded, ErrorCodes.StorageFull)]
    [TestCase(".checksums", InputOutputError, ErrorCodes.StorageReadOnly)]
    [TestCase(".manifest", InputOutputError, ErrorCodes.StorageReadOnly)]
    [TestCase("checkpoints", InputOutputError, ErrorCodes.StorageReadOnly)]
    public async Task Checkpoint_FlushFails_DoesNotCountUntilAllIsWrittenAnew(string what, int error, string code)
    {
        await using (MoorchehStore store = await OpenAsync())
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await StoreAsync(store, 1);
            await store.CheckpointAsync(Token);
            await StoreAsync(store, 2);
            await store.CheckpointAsync(Token);
            await StoreAsync(store, 3);
            string[] before = CheckpointFiles();

            _disk.Fails = path => path.Contains(what, StringComparison.Ordinal) ? error : null;
            MoorchehException refusal = await RefusedAsync(() => store.CheckpointAsync(Token), ErrorCodes.StorageFailed);
            Assert.That(refusal.Message, Does.Contain(what).And.Contain($"error {error}"));
            while (_disk.FailedFlushes.Count < 3)
            {
                await Task.Delay(20, Token); // The store tries by itself, too.
            }

            await RefusedAsync(() => store.UploadVectorsAsync("emb", TestVectors.Items(9, 1, Dimension)), code);
            Assert.That(store.GetStatus().ReadOnlyReason, Does.Contain(what));
            Assert.That(LogLines("A flush to disk failed"), Is.EqualTo(1), "It is said once.");
            await DeleteAsync(store); // Stores nothing, and the journal is sound.
            await CheckAsync(store);
            await CheckPowerCutAsync();

            _disk.Fails = _ => null;
            while (store.GetStatus().ReadOnlyReason is not null)
            {
                await Task.Delay(20, Token);
            }

            Assert.That(CheckpointFiles(), Is.Not.EqualTo(before), "It is the checkpoint that mends.");
            await store.CheckpointAsync(Token);
            Assert.That(CheckpointFiles(), Has.Length.EqualTo(before.Length), "Those that failed left nothing.");
            Assert.That(LogLines("takes writes again"), Is.EqualTo(1));
            await CheckPowerCutAsync();
            await StoreAsync(store, 4);
        }

        await CheckPowerCutAsync();
    }

    /// <summary>What the system has dropped is in the journal only, so an opening is what mends.</summary>
    [Test]
    public async Task Checkpoint_SystemDropsWhatItCouldNotWrite_ReadOnlyUntilOpenedAgain()
    {
        await using (MoorchehStore store = await OpenAsync())
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await StoreAsync(store, 1);
            await store.CheckpointAsync(Token);
            await StoreAsync(store, 2);
            _disk.Forgets = true;
            _disk.Fails = path => path.Contains("records.log", StringComparison.Ordinal) ? InputOutputError : null;
            await RefusedAsync(() => store.CheckpointAsync(Token), ErrorCodes.StorageFailed);
            _disk.Fails = _ => null;
            Assert.That(
                (await RefusedAsync(() => store.CheckpointAsync(Token), ErrorCodes.StorageFailed)).Message, Does.Contain("open it again: the journal has it"));
            await RefusedAsync(() => store.UploadVectorsAsync("emb", TestVectors.Items(9, 1, Dimension)), ErrorCodes.StorageReadOnly);
        }

        await CheckPowerCutAsync();
        await using MoorchehStore again = await OpenAsync();
        await CheckAsync(again);
        await StoreAsync(again, 3);
        await again.CheckpointAsync(Token);
        await CheckPowerCutAsync();
    }

    [Test]
    public async Task Open_FlushOfADirectoryFails_IsRefusedAndCanBeTriedAgain()
    {
        await using (MoorchehStore store = await OpenAsync())
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await StoreAsync(store, 1);
        }

        _disk.Fails = path => path.EndsWith("journal", StringComparison.Ordinal) ? InputOutputError : null;
        MoorchehException refusal = await RefusedAsync(async () => await (await OpenAsync()).DisposeAsync(), ErrorCodes.StorageFailed);
        Assert.That(refusal.Message, Does.Contain(_directory.Path).And.Contain($"error {InputOutputError}"));
        _disk.Fails = _ => null;
        await using MoorchehStore again = await OpenAsync();
        await CheckAsync(again);
    }

    /// <summary>A name of the journal that may not be on disk: the segment begins anew, and until then nothing counts as committed.</summary>
    [Test]
    public async Task Journal_FlushOfItsDirectoryFails_GoesOnWhenItSucceeds()
    {
        await using (MoorchehStore store = await OpenAsync())
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            _disk.Fails = path => path.EndsWith("journal", StringComparison.Ordinal) ? InputOutputError : null;
            int next = 1;
            while (_disk.FailedFlushes.IsEmpty)
            {
                await TryStoreAsync(store, next++); // A file of the journal has 32 MiB.
            }

            Assert.That(_disk.FailedFlushes, Has.All.EndsWith("journal"));
            await CheckPowerCutAsync();
            _disk.Fails = _ => null;
            while (store.GetStatus() is not { ReadOnlyReason: null, RunningJobs: 0 })
            {
                await Task.Delay(20, Token);
            }

            _stored.AddRange(_begun); // What was not refused has happened.
            _begun.Clear();
            await StoreAsync(store, next);
        }

        await CheckPowerCutAsync();
    }

    private async Task<MoorchehStore> OpenAsync()
    {
        MoorchehOptions options = Options();
        options.Disk = _disk;
        options.LoggerFactory = LoggerFactory.Create(logging => logging.AddProvider(_logger));
        return await TestStore.OpenAsync(_directory, options);
    }

    private int LogLines(string text) => _logger.Entries.Count(entry => entry.Message.Contains(text, StringComparison.Ordinal));

    private string[] CheckpointFiles() => [.. Directory.EnumerateFiles(Path.Combine(_directory.Path, "checkpoints")).Order(StringComparer.Ordinal)];

    private async Task StoreAsync(MoorchehStore store, int seed)
    {
        VectorItem[] items = TestVectors.Items(seed, 300, Dimension, $"s{seed}-");
        await store.StoreAsync("emb", items);
        _stored.AddRange(items);
    }

    private async Task TryStoreAsync(MoorchehStore store, int seed)
    {
        VectorItem[] items = [.. TestVectors.Items(seed, 300, Dimension, $"s{seed}-").Select(item => item with { Metadata = Metadata("pad", new string('p', 4000)) })];
        try
        {
            Job<UploadJobStatus> job = await store.UploadVectorsAsync("emb", items);
            _stored.AddRange(items);
            await Task.WhenAny(job.WaitAsync(Token), Task.Delay(500, Token)); // It waits where the journal does.
        }
        catch (MoorchehException e) when (e.Code is ErrorCodes.StorageReadOnly or ErrorCodes.OutcomeUnknown)
        {
            Assert.That(_disk.FailedFlushes, Is.Not.Empty);
            _begun.AddRange(e.Code == ErrorCodes.OutcomeUnknown ? items : []);
        }
    }

    private async Task DeleteAsync(MoorchehStore store)
    {
        string id = _stored[^1].Id;
        Assert.That((await store.DeleteItemsAsync("emb", [id])).DeletedIds, Is.EqualTo(new[] { id }));
        _stored.RemoveAt(_stored.Count - 1);
    }

    private async Task CheckAsync(MoorchehStore store)
    {
        HashSet<string> found = [.. await store.ListIdsAsync("emb")];
        VectorItem[] expected = [.. _stored, .. _begun.Where(item => found.Contains(item.Id))];
        Assert.That(found, Is.EquivalentTo(expected.Select(item => item.Id)));
        float[] query = TestVectors.Gaussian(new Random(_stored.Count), Dimension);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(expected, query, 10)));
    }

    /// <summary>Opens what is on disk at this moment.</summary>
    private async Task CheckPowerCutAsync()
    {
        using var left = new TemporaryDirectory();
        CrashCopy.Take(_onDisk.Path, left.Path);
        await using MoorchehStore store = await TestStore.OpenAsync(left);
        while (store.GetStatus().RunningJobs > 0)
        {
            await Task.Delay(10, Token);
        }

        await CheckAsync(store);
    }
}
