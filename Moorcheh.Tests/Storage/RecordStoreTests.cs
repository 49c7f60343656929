using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Storage;
using Moorcheh.Tests.Faults;

namespace Moorcheh.Tests.Storage;

/// <summary>Every record that was stored is found, with its bytes, also while the log is compacted and after opening a checkpoint.</summary>
[CancelAfter(120_000)]
internal sealed class RecordStoreTests
{
    private static readonly Guid Owner = new("4b5a1e0c-6f0e-4c53-9a53-1f2a36a3f0d1");

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    /// <summary>With so many keys the smallest hash index has buckets behind its main table; they are the second part of its file.</summary>
    [Test]
    public async Task Open_MoreKeysThanTheMainTableOfTheIndexHolds_FindsAll()
    {
        const int Count = 300_000;
        RecordCheckpoint checkpoint;
        await using (FasterRecordStore store = Open(null))
        {
            Store(store, 0, Count, bodyBytes: 8);
            checkpoint = await store.CheckpointAsync();
        }

        await using FasterRecordStore again = Open(checkpoint);
        await CheckAllAsync(again, 0, Count, bodyBytes: 8);
    }

    /// <summary>A read that took the address a record had before compaction moved it is begun anew.</summary>
    [Test]
    public async Task Read_WhileTheLogIsCompacted_FindsEveryRecord()
    {
        const int BodyBytes = 20_000;
        const int RecordsPerPage = 104;
        const int Count = 20 * RecordsPerPage;
        const int Rounds = 40;
        await using FasterRecordStore store = Open(null, new VolatileDisk());
        Store(store, 0, Count, BodyBytes);
        using var stop = new CancellationTokenSource();
        Task reader = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                // Together, so that their addresses are taken long before the last of them is read.
                await CheckAllAsync(store, 0, Count, BodyBytes, together: Count);
            }
        });
        for (int round = 0; round < Rounds; round++)
        {
            long begin = store.BeginAddress;
            store.FlushAhead();
            store.Compact(FasterSettings.PageBytes * 2);
            Assert.That(store.BeginAddress, Is.GreaterThan(begin));
            Assert.That(store.BeginAddress % FasterSettings.PageBytes, Is.Zero);
        }

        await stop.CancelAsync();
        await reader;
        await CheckAllAsync(store, 0, Count, BodyBytes);
    }

    /// <summary>A delete and the compaction of the same record: whichever comes second leaves nothing behind that nobody gets through.</summary>
    [Test]
    public async Task Delete_WhileTheLogIsCompacted_LeavesPagesThatCanBeWalked()
    {
        const int BodyBytes = 200;
        const int PerPage = 7_000;
        const int Pages = 60;
        const int Count = Pages * PerPage;
        RecordCheckpoint checkpoint;
        var disk = new VolatileDisk();
        var random = new Random(7);
        await using (FasterRecordStore store = Open(null, disk))
        {
            Store(store, 0, Count, BodyBytes);
            store.FlushAhead();
            for (int page = 0; page < Pages; page++)
            {
                // About the records of the page, all over it, for about as long as its compaction takes.
                int[] numbers = [.. Enumerable.Range(page * PerPage, PerPage).Where(number => !IsKept(number))];
                random.Shuffle(numbers);
                Task deleting = Task.Run(() =>
                {
                    foreach (int number in numbers)
                    {
                        store.Delete(Key(number));
                    }
                });
                store.Compact(FasterSettings.PageBytes);
                await deleting;
                store.FlushAhead();
            }

            checkpoint = await store.CheckpointAsync();
            for (long page = store.BeginAddress; page + FasterSettings.PageBytes <= checkpoint.Checksums.Tail; page += FasterSettings.PageBytes)
            {
                Assert.That(RecordPage.IsWalkable(ReadPage(page)), Is.True, $"Page at {page}.");
            }
        }

        await using FasterRecordStore again = Open(checkpoint, disk);
        for (int i = 0; i < Count; i++)
        {
            using RecordLease record = await again.ReadAsync(Key(i));
            Assert.That(record.IsFound, Is.EqualTo(IsKept(i)), $"Record {i}.");
        }

        static bool IsKept(int number) => number % 50 == 0;
    }

    /// <summary>A removal waits for the last reader that pinned the record, one by one or in a row; a checkpoint waits for nobody.</summary>
    [Test]
    public async Task Pin_RecordRemoved_StaysUntilItIsReleasedOrACheckpointIsTaken()
    {
        RecordCheckpoint checkpoint;
        await using (FasterRecordStore store = Open(null))
        {
            Store(store, 0, 10, bodyBytes: 100);
            RecordPin single = new(), row = new(), late = new();
            store.Pin(single, Key(3));
            store.Pin(row, Key(2), 4);
            for (int i = 0; i < 8; i++)
            {
                store.Delete(Key(i));
            }

            Assert.That(await FoundAsync(store), Is.EqualTo(new[] { 2, 3, 4, 5, 8, 9 }));
            store.Release(row);
            store.Release(row);
            store.Pin(late, Key(4)); // Gone already.
            Assert.That(await FoundAsync(store), Is.EqualTo(new[] { 3, 8, 9 }));
            store.Delete(Key(3));
            store.Upsert(Key(3), Body(3, 100));
            store.Release(single);
            Assert.That(await FoundAsync(store), Is.EqualTo(new[] { 3, 8, 9 }), "what was written after the removal stays");
            store.Pin(single, Key(8));
            store.Delete(Key(8));
            Assert.That(await FoundAsync(store), Is.EqualTo(new[] { 3, 8, 9 }));

            checkpoint = await store.CheckpointAsync();
            Assert.That(await FoundAsync(store), Is.EqualTo(new[] { 3, 9 }));
            store.Pin(single, Key(9));
            store.Delete(Key(9));
            Assert.That(await FoundAsync(store), Is.EqualTo(new[] { 3, 9 }));
        }

        await using FasterRecordStore again = Open(checkpoint);
        Assert.That(await FoundAsync(again), Is.EqualTo(new[] { 3, 9 }));

        static async Task<List<int>> FoundAsync(FasterRecordStore store)
        {
            List<int> found = [];
            for (int i = 0; i < 10; i++)
            {
                using RecordLease record = await store.ReadAsync(Key(i));
                if (record.IsFound)
                {
                    found.Add(i);
                }
            }

            return found;
        }
    }

    /// <summary>What FASTER wrote is a chain of records; with a length that leads out of the page it is none.</summary>
    [Test]
    public async Task IsWalkable_PagesOfFaster_UntilALengthIsWrong()
    {
        const int Count = 3000;
        await using (FasterRecordStore store = Open(null))
        {
            for (int i = 0; i < Count; i++)
            {
                store.Upsert(Key(i), Body(i, 8 + (i * 7 % 6000)));
                if (i % 5 == 0)
                {
                    store.Delete(Key(i / 2));
                }
            }

            await store.CheckpointAsync();
        }

        byte[] log = await File.ReadAllBytesAsync(Path.Combine(_directory.Path, "records.log.0"));
        byte[][] pages = [.. log.Chunk(FasterSettings.PageBytes).Where(page => page.Length == FasterSettings.PageBytes)];
        Assert.That(pages, Has.Length.GreaterThan(2));
        Assert.That(pages.Select(page => RecordPage.IsWalkable(page)), Is.All.True);

        // The first record's key and value; its header is the first word that is not zero.
        int record = (int)FasterSettings.FirstAddress;
        foreach (int at in (int[])[record + 8, record + 8 + 4 + RecordKey.Bytes + 4])
        {
            byte[] wrong = [.. pages[0]];
            BitConverter.TryWriteBytes(wrong.AsSpan(at), FasterSettings.PageBytes);
            Assert.That(RecordPage.IsWalkable(wrong), Is.False, $"Length at {at}.");
        }

        byte[] last = new byte[FasterSettings.PageBytes];
        last[^8] = 1;
        Assert.That(RecordPage.IsWalkable(last), Is.False, "A header without lengths behind it.");
    }

    private byte[] ReadPage(long page)
    {
        using FileStream file = File.OpenRead(FasterSettings.SegmentPath(Path.Combine(_directory.Path, "records.log"), page));
        file.Position = page % FasterSettings.SegmentBytes;
        byte[] bytes = new byte[FasterSettings.PageBytes];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static RecordKey Key(int number) => new(RecordKind.Item, Owner, number);

    private static byte[] Body(int number, int bytes)
    {
        byte[] body = new byte[bytes];
        Array.Fill(body, (byte)number);
        BitConverter.TryWriteBytes(body, number);
        return body;
    }

    private static void Store(FasterRecordStore store, int first, int count, int bodyBytes)
    {
        for (int i = first; i < first + count; i++)
        {
            store.Upsert(Key(i), Body(i, bodyBytes));
        }
    }

    private static async Task CheckAllAsync(FasterRecordStore store, int first, int count, int bodyBytes, int together = 64)
    {
        for (int from = first; from < first + count; from += together)
        {
            RecordKey[] keys = [.. Enumerable.Range(from, Math.Min(together, first + count - from)).Select(Key)];
            RecordLease[] records = new RecordLease[keys.Length];
            await store.ReadAsync(keys, records);
            for (int i = 0; i < keys.Length; i++)
            {
                bool isRight = records[i].IsFound && records[i].Body.SequenceEqual(Body(from + i, bodyBytes));
                records[i].Dispose();
                Assert.That(isRight, Is.True, $"Record {from + i}.");
            }
        }
    }

    private FasterRecordStore Open(RecordCheckpoint? checkpoint, Disk? disk = null) => new(
        Path.Combine(_directory.Path, "records.log"),
        _directory.Path,
        new FasterSettings((32 << 20)),
        disk ?? Disk.Default,
        new DiskState(_directory.Path, disk ?? Disk.Default, 0, NullLogger.Instance),
        checkpoint);
}
