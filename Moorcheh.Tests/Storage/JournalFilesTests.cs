using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Changes;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Storage;

/// <summary>The raw reader ends at the first byte that is not right, and never gives out an entry behind a hole.</summary>
[CancelAfter(60_000)]
internal sealed class JournalFilesTests
{
    private TemporaryDirectory _directory = null!;

    private string JournalPath => Path.Combine(_directory.Path, "journal.log");

    private string FirstFile => JournalPath + ".0";

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Scan_WrittenEntries_GivesThemAll([Values(1, 50, 3000, 300_000)] int bytes)
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 30).Select(i => Body(i, bytes + i)));
        using var files = new JournalFiles(JournalPath, Disk.Default);
        List<(long Address, byte[] Body)> read = Read(files, out long end);
        Assert.That(read.Select(entry => entry.Address), Is.EqualTo(written.Select(entry => entry.Address)));
        Assert.That(read.Select(entry => entry.Body), Is.EqualTo(written.Select(entry => entry.Body)));
        Assert.That(end, Is.EqualTo(written[^1].Address + Space(written[^1].Body.Length)));
        foreach ((long address, byte[] body) in written)
        {
            Assert.That(files.Read(address, JournalEntryType.UploadChunk)[JournalFrame.HeaderBytes..], Is.EqualTo(body));
        }
    }

    [Test]
    public async Task Scan_FromTheMiddle_GivesTheRest()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 10).Select(i => Body(i, 500_000)));
        using var files = new JournalFiles(JournalPath, Disk.Default);
        List<long> read = [];
        files.Scan(written[6].Address, (address, _, _) => read.Add(address));
        Assert.That(read, Is.EqualTo(written.Skip(6).Select(entry => entry.Address)));
    }

    /// <summary>An entry that ends a page exactly, one byte less, one more: the places where page arithmetic goes wrong.</summary>
    [Test]
    public async Task Scan_EntriesAtAPageBoundary_AreAllRead([Range(-16, 16, 4)] int difference)
    {
        int rest = FasterSettings.PageBytes - (int)FasterSettings.FirstAddress;
        int first = (rest / 2) & ~3;
        int second = rest - first - (2 * (JournalFrame.LengthBytes + JournalFrame.HeaderBytes)) + difference;
        if (second + first > JournalFrame.MaxBodyBytes + (rest / 2))
        {
            second = Math.Min(second, JournalFrame.MaxBodyBytes);
        }

        List<(long Address, byte[] Body)> written = await WriteAsync([Body(1, first), Body(2, second), Body(3, 10), Body(4, 1_000_000)]);
        using var files = new JournalFiles(JournalPath, Disk.Default);
        Assert.That(Read(files, out _).Select(entry => entry.Address), Is.EqualTo(written.Select(entry => entry.Address)));
    }

    [Test]
    public async Task Scan_LastEntryTorn_EndsBeforeIt()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 5).Select(i => Body(i, 300)));
        long last = written[^1].Address;
        byte[] whole = await File.ReadAllBytesAsync(FirstFile);
        for (int cut = 0; cut < Space(300); cut += 7)
        {
            await File.WriteAllBytesAsync(FirstFile, whole[..(int)(last + cut)]);
            AssertEnd(last, 4, $"cut {cut} bytes into the last entry");

            byte[] garbled = [.. whole];
            garbled[last + cut] ^= 0x55;
            await File.WriteAllBytesAsync(FirstFile, garbled);
            AssertEnd(last, 4, $"byte {cut} of the last entry changed");

            byte[] zeroed = [.. whole];
            zeroed.AsSpan((int)last + cut, Space(300) - cut).Clear();
            await File.WriteAllBytesAsync(FirstFile, zeroed);
            AssertEnd(last, 4, $"zeros from byte {cut} of the last entry");
        }
    }

    [Test]
    public async Task Scan_Hole_EndsBeforeIt()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 100).Select(i => Body(i, 100_000)));
        byte[] whole = await File.ReadAllBytesAsync(FirstFile);
        foreach (int hole in (int[])[0, 5, 19, 20, 21, 50])
        {
            byte[] bytes = [.. whole];
            bytes.AsSpan((int)written[hole].Address, Space(100_000)).Clear();
            await File.WriteAllBytesAsync(FirstFile, bytes);
            AssertEnd(hole == 0 ? FasterSettings.FirstAddress : written[hole - 1].Address + Space(100_000), hole, $"hole at {hole}");
        }
    }

    /// <summary>The entry behind the hole begins a page and would not have fitted where the hole begins: only an order can tell.</summary>
    [Test]
    public async Task Scan_HoleBeforeALargeEntryOfTheNextPage_EndsBeforeIt()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync([Body(1, 1_000_000), Body(2, 500_000), Body(3, 1_500_000), Body(4, 10)]);
        Assert.That(written[2].Address, Is.EqualTo(FasterSettings.PageBytes));
        byte[] bytes = await File.ReadAllBytesAsync(FirstFile);
        bytes.AsSpan((int)written[1].Address, Space(500_000)).Clear();
        await File.WriteAllBytesAsync(FirstFile, bytes);
        AssertEnd(written[1].Address, 1, "hole");
    }

    [Test]
    public async Task CutAt_TornTail_GoesOnAtTheNextPage()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 30).Select(i => Body(i, 100_000)));
        long cut = written[10].Address;
        using var files = new JournalFiles(JournalPath, Disk.Default);
        files.CutAt(cut, cut);
        Assert.That(Read(files, out long end), Has.Count.EqualTo(10));
        Assert.That(end, Is.EqualTo(JournalFiles.NextPage(cut)));
        Assert.That(new FileInfo(FirstFile).Length, Is.LessThan(cut + 100));
        files.CutAt(end, end); // Again, as after a crash during the cut.
        Assert.That(Read(files, out long again), Has.Count.EqualTo(10));
        Assert.That(again, Is.EqualTo(end));
    }

    /// <summary>What a killed process had written, but not flushed, may be in several files, and it counts once it was read.</summary>
    [Test]
    public async Task CutAt_EntriesInTwoFiles_FlushesBoth()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 30).Select(i => Body(i, 1_500_000)));
        Assert.That(written[^1].Address, Is.GreaterThan(FasterSettings.SegmentBytes));
        var disk = new FlushNotingDisk();
        using var files = new JournalFiles(JournalPath, disk);
        files.CutAt(written[^1].Address, written[^1].Address);
        Assert.That(disk.Flushed, Is.EquivalentTo((string[])[FirstFile, JournalPath + ".1"]));
    }

    /// <summary>The write of what was not committed may have failed: the system tells that once, and to the process that is gone.</summary>
    [Test]
    public async Task CutAt_EntriesThatWereNotCommitted_AreWrittenAnew()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync(Enumerable.Range(0, 30).Select(i => Body(i, 1_500_000)));
        long committed = written[10].Address;
        long end = written[^1].Address;
        Assert.That(end, Is.GreaterThan(FasterSettings.SegmentBytes));
        byte[] before = await File.ReadAllBytesAsync(FirstFile);
        var disk = new FlushNotingDisk();
        using var files = new JournalFiles(JournalPath, disk);
        files.CutAt(end, committed);
        Assert.That(disk.Written[FirstFile], Is.EqualTo((committed, FasterSettings.SegmentBytes)));
        Assert.That(disk.Written[JournalPath + ".1"].From, Is.Zero);
        Assert.That(disk.Written[JournalPath + ".1"].Until, Is.GreaterThanOrEqualTo(end - FasterSettings.SegmentBytes));
        Assert.That(await File.ReadAllBytesAsync(FirstFile), Is.EqualTo(before));
        Assert.That(Read(files, out _), Has.Count.EqualTo(29));
    }

    [Test]
    public void Scan_NoFile_EndsWhereItBegan()
    {
        using var files = new JournalFiles(JournalPath, Disk.Default);
        Assert.That(Read(files, out long end), Is.Empty);
        Assert.That(end, Is.EqualTo(FasterSettings.FirstAddress));
    }

    [Test]
    public async Task Read_WrongAddressOrType_IsRefused()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync([Body(1, 100), Body(2, 100)]);
        using var files = new JournalFiles(JournalPath, Disk.Default);
        foreach ((long address, JournalEntryType type) in new[]
        {
            (written[1].Address, UploadAccepted.TypeNumber), (written[1].Address + 4, JournalEntryType.UploadChunk), (1L << 40, JournalEntryType.UploadChunk),
        })
        {
            Assert.That(
                () => files.Read(address, type),
                Throws.InstanceOf<MoorchehException>().With.Property("Code").EqualTo("storage-damaged"));
        }
    }

    [Test]
    public async Task Scan_EntryOfANewerFormat_IsRefusedWithBothVersions()
    {
        List<(long Address, byte[] Body)> written = await WriteAsync([Body(1, 100)]);
        byte[] bytes = await File.ReadAllBytesAsync(FirstFile);
        int frame = (int)written[0].Address + JournalFrame.LengthBytes;
        bytes[frame] = 9;
        uint checksum = Crc32C.Append(Crc32C.Of(bytes.AsSpan(frame, 4)), bytes.AsSpan(frame + 8, 100));
        BitConverter.TryWriteBytes(bytes.AsSpan(frame + 4), checksum);
        await File.WriteAllBytesAsync(FirstFile, bytes);
        using var files = new JournalFiles(JournalPath, Disk.Default);
        MoorchehException? refusal = Assert.Throws<MoorchehException>(() => files.Scan(FasterSettings.FirstAddress, (_, _, _) => { }));
        Assert.That(refusal!.Code, Is.EqualTo("unsupported-format"));
        Assert.That(refusal.Facts, Is.EquivalentTo(new Dictionary<string, object> { ["Found"] = (byte)9, ["Supported"] = (byte)1 }));
    }

    [Test]
    public void CommitMarker_TornSlot_LeavesTheOlderOne()
    {
        string path = Path.Combine(_directory.Path, "committed");
        for (long i = 1; i <= 5; i++)
        {
            using (var marker = new CommitMarker(path, Disk.Default))
            {
                Assert.That(marker.CommittedUntil, Is.EqualTo((i - 1) * 100));
                marker.Write(i * 100);
            }

            byte[] whole = File.ReadAllBytes(path);
            int newest = (int)(i % 2) * 4096;
            for (int at = 0; at < 28; at++)
            {
                byte[] torn = [.. whole];
                torn[newest + at] ^= 0xFF;
                File.WriteAllBytes(path, torn);
                using var marker = new CommitMarker(path, Disk.Default);
                Assert.That(marker.CommittedUntil, Is.EqualTo((i - 1) * 100), $"byte {at}");
            }

            File.WriteAllBytes(path, whole);
        }
    }

    private static byte[] Body(int seed, int length)
    {
        byte[] body = new byte[length];
        new Random(seed).NextBytes(body);
        return body;
    }

    private static int Space(int bodyLength) => JournalFrame.SpaceOf(JournalFrame.HeaderBytes + bodyLength);

    private static List<(long Address, byte[] Body)> Read(JournalFiles files, out long end)
    {
        List<(long, byte[])> entries = [];
        end = files.Scan(FasterSettings.FirstAddress, (address, type, body) =>
        {
            Assert.That(type, Is.EqualTo(JournalEntryType.UploadChunk));
            entries.Add((address, body.ToArray()));
        });
        return entries;
    }

    private async Task<List<(long Address, byte[] Body)>> WriteAsync(IEnumerable<byte[]> bodies)
    {
        List<(long, byte[])> written = [];
        var files = new JournalFiles(JournalPath, Disk.Default);
        await using var journal = new FasterJournal(
            files,
            new CommitMarker(Path.Combine(_directory.Path, "committed"), Disk.Default),
            new FasterSettings((32 << 20)),
            Disk.Default,
            new DiskState(_directory.Path, Disk.Default, 0, NullLogger.Instance),
            FasterSettings.FirstAddress);
        foreach (byte[] body in bodies)
        {
            written.Add((journal.Append(JournalEntryType.UploadChunk, body), body));
        }

        await journal.CommitAsync();
        return written;
    }

    private void AssertEnd(long expectedEnd, int expectedCount, string what)
    {
        using var files = new JournalFiles(JournalPath, Disk.Default);
        Assert.That(Read(files, out long end), Has.Count.EqualTo(expectedCount), what);
        Assert.That(end, Is.EqualTo(expectedEnd), what);
    }

    private sealed class FlushNotingDisk : Disk
    {
        public List<string> Flushed { get; } = [];

        public Dictionary<string, (long From, long Until)> Written { get; } = [];

        public override void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset)
        {
            base.Write(file, bytes, offset);
            (long from, long until) = Written.GetValueOrDefault(file.Path, (offset, offset));
            Written[file.Path] = (Math.Min(from, offset), Math.Max(until, offset + bytes.Length));
        }

        public override void Flush(DiskFile file)
        {
            base.Flush(file);
            Flushed.Add(file.Path);
        }
    }
}
