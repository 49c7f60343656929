using System.IO.Compression;
using System.Text.Json;
using Moorcheh.Artifacts;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Recorded;

/// <summary>
/// A store that each released version wrote, killed at work, is kept here with what that version found in it: later versions must find the same. A
/// recording is never changed; <c>MOORCHEH_RECORD_STORE=1</c> makes one of the version at hand when there is none.
/// </summary>
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class RecordedStoreTests
{
    private static readonly string[] Hidden = ["deleting", "failing-1", "failing-2", "gone1", "gone2"];

    [Test]
    public async Task Record_Store()
    {
        Version version = typeof(MoorchehStore).Assembly.GetName().Version!;
        string name = $"store-{version.Major}.{version.Minor}";
        if (Environment.GetEnvironmentVariable("MOORCHEH_RECORD_STORE") != "1" || File.Exists(RecordedStore.ArchiveOf(name)))
        {
            Assert.Ignore("Set MOORCHEH_RECORD_STORE=1 to record a version that has no recording.");
        }

        using var store = new TemporaryDirectory();
        IReadOnlyList<string> taskIds = await StoreRecorder.RecordAsync(store.Path);
        ZipFile.CreateFromDirectory(store.Path, RecordedStore.ArchiveOf(name), CompressionLevel.SmallestSize, includeBaseDirectory: false);
        using TemporaryDirectory copy = RecordedStore.Unpack(name);
        await File.WriteAllTextAsync(RecordedStore.SnapshotOf(name), await FinishAsync(copy, taskIds) + "\n");
    }

    [TestCaseSource(typeof(RecordedStore), nameof(RecordedStore.Names))]
    public async Task Verify_Recording_FindsNoDamage(string name)
    {
        using TemporaryDirectory store = RecordedStore.Unpack(name);
        Assert.That(await StoreFiles.VerifyAsync(store.Path, Token), Is.Empty);
    }

    [TestCaseSource(typeof(RecordedStore), nameof(RecordedStore.Names))]
    public async Task Open_Recording_FindsAllAndFinishesWhatWasBegun(string name)
    {
        using TemporaryDirectory store = RecordedStore.Unpack(name);
        string expected = await File.ReadAllTextAsync(RecordedStore.SnapshotOf(name), Token);
        using JsonDocument json = JsonDocument.Parse(expected);
        string[] taskIds = [.. json.RootElement.GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("id").GetString()!)];
        Assert.That((await FinishAsync(store, taskIds)).Split('\n'), Is.EqualTo(expected.TrimEnd('\n').Split('\n')));
    }

    /// <summary>Lets a recording come to its end, and looks at it twice: before it is closed and after it is opened again.</summary>
    private static async Task<string> FinishAsync(TemporaryDirectory directory, IReadOnlyList<string> taskIds)
    {
        IReadOnlyList<CallbackMessage> sent;
        string snapshot;
        await using (RecordedSession session = await RecordedSession.OpenAsync(directory.Path, TimeSpan.FromHours(2)))
        {
            // The clock stands still meanwhile: what ends has the same time.
            while (session.Store.GetStatus().RunningJobs > 0)
            {
                await Task.Delay(5, Token);
            }

            await session.UntilAsync(() => session.Store.GetStatus().WaitingCallbacks == 0);
            sent = session.Publisher.Taken;
            Assert.That(session.Log.Entries.Where(entry => entry.Message.Contains("is made anew", StringComparison.Ordinal)
                && !entry.Message.Contains("of another version", StringComparison.Ordinal)), Is.Empty, "An index could not be read.");
            snapshot = await StoreSnapshot.TakeAsync(session.Store, Hidden, taskIds, sent, Searches());
        }

        await using RecordedSession again = await RecordedSession.OpenAsync(directory.Path, TimeSpan.FromHours(3));
        Assert.That(await StoreSnapshot.TakeAsync(again.Store, Hidden, taskIds, sent, Searches()), Is.EqualTo(snapshot));
        Assert.That(again.Publisher.Taken, Is.Empty);
        return snapshot;
    }

    /// <summary>The cosines with the axes tell the direction of every vector.</summary>
    private static List<SearchRequest> Searches() =>
    [
        .. Enumerable.Range(0, 8).Select(axis => new SearchRequest(["vectors-1", "vectors-2"], Enumerable.Range(0, 8).Select(i => i == axis ? 1f : 0).ToArray()) { TopK = 100 }),
        new SearchRequest("vectors-2", [1, 2, 3, 4, 5, 6, 7, -8]) { Metadata = Metadata("color", "red") },
        new SearchRequest(["vectors-2", "vectors-1"], new float[] { -1, 2, -3, 4, 0, 0, 0, 0 }) { MinimumScore = 0.3, Guarantee = SearchGuarantee.Absolute },
        new SearchRequest("texts-1", "text number 3 of t"),
        new SearchRequest("texts-2", "text number 3 of t #color:red"),
        new SearchRequest("texts-2", "replaced text") { TopK = 3, MinimumScore = 0.2 },
        new SearchRequest(["texts-1", "texts-2", "open-1", "open-2", "held"], "plain replaced held") { TopK = 60 },
        new SearchRequest(["docs-1", "docs-2"], "new 3 filler") { TopK = 100 },
        new SearchRequest("docs-2", "kept at once #kept"),
    ];
}
