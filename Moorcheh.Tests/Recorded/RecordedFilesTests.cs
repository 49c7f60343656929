using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Durability;
using Moorcheh.Index;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>The files of a kept store have something of every kind, and what is read from them is written again with the same bytes.</summary>
[NonParallelizable]
[CancelAfter(120_000)]
[TestFixtureSource(typeof(RecordedStore), nameof(RecordedStore.Names))]
internal sealed class RecordedFilesTests(string name)
{
    // Of version 0.1. Entries that came later are in the recording of the next version, and until then in the tests of what writes them.
    private const JournalEntryType LastRecorded = (JournalEntryType)22;

    private TemporaryDirectory _store = null!;

    private string Checkpoints => Path.Combine(_store.Path, "checkpoints");

    [SetUp]
    public void Unpack() => _store = RecordedStore.Unpack(name);

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public void Journal_HasEntriesOfEveryType_AndTheyAreWrittenAsTheyWereRead()
    {
        HashSet<JournalEntryType> found = [];
        var writer = new ByteWriter();
        using var files = new JournalFiles(Path.Combine(_store.Path, "journal", "journal.log"), Disk.Default);
        var reader = new JournalReader(files, FasterSettings.FirstAddress);
        for (long end = reader.End; reader.Read(); end = reader.End)
        {
            found.Add(reader.Type);
            if (reader.Address % FasterSettings.PageBytes == 0 && reader.Address > 0)
            {
                found.Add(JournalEntryType.PageEnd); // A reader does not show them: the page before was left by a process that was killed.
                end = reader.Address;
            }

            byte[] framed = files.Read(reader.Address, reader.Type);
            byte[] again = [.. new byte[JournalFrame.HeaderBytes], .. Rewrite(reader.Type, reader.Body, writer)];
            JournalFrame.WriteHeader(again, reader.Type, end);
            Assert.That(again, Is.EqualTo(framed), $"{reader.Type} at {reader.Address}");
        }

        JournalEntryType[] later = RecordedStore.IsBeforeFilters(name)
            ? [ItemDeleteAccepted.TypeNumber, ItemDeleteProgress.TypeNumber, ItemPatched.TypeNumber]
            : [];
        Assert.That(found, Is.EquivalentTo(ChangeTable.Types.Where(type => type <= LastRecorded).Append(JournalEntryType.PageEnd).Except(later)));
    }

    [Test]
    public async Task Records_AreOfEveryKind_AndAreWrittenAsTheyWereRead()
    {
        (StoreState state, CheckpointManifest manifest) = await OpenAsync();
        await using IRecordStore records = state.Records;
        HashSet<RecordKind> kinds = [];
        List<byte[]> pages = [];
        var writer = new ByteWriter();
        records.Scan((in RecordKey key, ReadOnlySpan<byte> body, bool _) =>
        {
            kinds.Add(key.Kind);
            if (key.Kind == RecordKind.CatalogPage)
            {
                pages.Add(body.ToArray());
            }
            else if (key.Kind == RecordKind.Item && !body.IsEmpty)
            {
                ItemRecord item = ItemRecord.Parse(body);
                writer.Clear();
                ItemRecord.Write(writer, item.CreatedAt, item.UpdatedAt, item.Vector, item.Id, item.HasText, item.Text, item.Metadata);
                Assert.That(writer.Written.SequenceEqual(body), key.ToString());
            }
        });
        Assert.That(kinds, Is.EquivalentTo(Enum.GetValues<RecordKind>()));
        Assert.That(pages, Has.Count.EqualTo(manifest.CatalogPages));

        // The order of namespaces and jobs in the list is by chance.
        List<byte> list = [];
        int count = Catalog.Save(state);
        for (int page = 0; page < count; page++)
        {
            using RecordLease lease = await records.ReadAsync(new RecordKey(RecordKind.CatalogPage, Guid.Empty, page));
            list.AddRange(lease.Body);
        }

        Assert.That(list.Order(), Is.EqualTo(pages.SelectMany(page => page).Order()));
    }

    [Test]
    public async Task Checkpoint_IsWrittenAsItWasRead()
    {
        (StoreState state, CheckpointManifest manifest) = await OpenAsync();
        await using IRecordStore records = state.Records;
        using var copy = new TemporaryDirectory();
        manifest.Save(copy.Path, Disk.Default);
        byte[] written = await File.ReadAllBytesAsync(CheckpointManifest.FileOf(copy.Path, manifest.Number));
        Assert.That(written, Is.EqualTo(await File.ReadAllBytesAsync(CheckpointManifest.FileOf(Checkpoints, manifest.Number))));
        byte[] checksums = await File.ReadAllBytesAsync(LogChecksums.FileOf(Checkpoints, manifest.Records.Token));
        Assert.That(manifest.Records.Checksums.ToBytes(), Is.EqualTo(checksums));
    }

    /// <summary>The postings of the recording are of version 1: its indexes are made anew, and then written as they were read.</summary>
    [Test]
    public async Task Indexes_OfAnEarlierVersion_AreMadeAnew()
    {
        if (RecordedStore.IsBeforeFilters(name))
        {
            Assert.Ignore("Its index files are of another version.");
        }

        (StoreState state, _) = await OpenAsync();
        await using IRecordStore records = state.Records;
        using var first = new TemporaryDirectory();
        using var second = new TemporaryDirectory();
        var recorded = new IndexFiles(Path.Combine(_store.Path, "index"), Disk.Default);
        NamespaceEntry[] entries = [.. state.Namespaces.Where(entry => entry.IndexToken != Guid.Empty)];
        Assert.That(entries, Is.Not.Empty);
        foreach (NamespaceEntry entry in entries)
        {
            Assert.That(
                () => recorded.Read(entry.IndexToken, NamespaceEntry.SeedOf(entry.Incarnation)),
                Throws.InstanceOf<InvalidDataException>().With.Message.EqualTo("The segment's postings are of another version."));
        }

        IndexRebuild.Restore(state, recorded, NullLogger.Instance);
        foreach (NamespaceEntry entry in entries)
        {
            ulong seed = NamespaceEntry.SeedOf(entry.Incarnation);
            IndexCapture made = entry.Index.Capture();
            if (made.Token == Guid.Empty)
            {
                continue; // No record is left.
            }

            var from = new IndexFiles(first.Path, Disk.Default);
            from.Save(made);
            IndexImage image = from.Read(made.Token, seed);
            var index = new NamespaceIndex(seed);
            index.Restore(image);
            new IndexFiles(second.Path, Disk.Default).Save(index.Capture() with { Sum = image.Sum }); // It is left out of what has a file already.
        }

        string[] names = [.. Directory.EnumerateFiles(first.Path).Select(file => Path.GetFileName(file))];
        Assert.That(names, Is.Not.Empty);
        Assert.That(Directory.EnumerateFiles(second.Path).Select(file => Path.GetFileName(file)), Is.EquivalentTo(names));
        foreach (string file in names)
        {
            Assert.That(ReadSections(Path.Combine(second.Path, file)), Is.EqualTo(ReadSections(Path.Combine(first.Path, file))), file);
        }
    }

    /// <summary>There is none of an index: those are worked on for moments, and not while the store was copied.</summary>
    [Test]
    public void WorkMarks_AreOfJobsAndMessages()
    {
        using var marks = new WorkMarks(Path.Combine(_store.Path, "working"), Disk.Default);
        Assert.That(marks.Left.Select(work => work.Kind).Distinct(), Is.EquivalentTo((WorkKind[])[WorkKind.Job, WorkKind.Callback]));
    }

    private async Task<(StoreState State, CheckpointManifest Manifest)> OpenAsync()
    {
        CheckpointManifest manifest = CheckpointManifest.Load(Checkpoints, CheckpointManifest.Numbers(Checkpoints)[0]);
        var records = new FasterRecordStore(
            Path.Combine(_store.Path, "records", "records.log"),
            Checkpoints,
            new FasterSettings(32 << 20),
            Disk.Default,
            new DiskState(_store.Path, Disk.Default, 0, NullLogger.Instance),
            manifest.Records);
        var state = new StoreState(TestStore.Options(), records, NullLogger.Instance);
        await Catalog.LoadAsync(state, manifest.CatalogPages);
        return (state, manifest);
    }

    /// <summary>The front of an index file without what it says of the sections, then the sections, but for the postings: their order is by chance.</summary>
    private static List<byte[]> ReadSections(string path)
    {
        const int Front = 16;
        const int Entry = 24;
        const int Postings = 8;
        byte[] file = File.ReadAllBytes(path);
        List<byte[]> sections = [file[..Front]];
        foreach (int i in Enumerable.Range(0, BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(8))).Except([Postings]))
        {
            int at = Front + (i * Entry);
            int offset = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            sections.Add(file[offset..(offset + (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at + 8)))]);
        }

        return sections;
    }

    private static byte[] Rewrite(JournalEntryType type, ReadOnlyMemory<byte> entry, ByteWriter writer)
    {
        ReadOnlySpan<byte> body = entry.Span;
        writer.Clear();
        switch (type)
        {
            case JournalEntryType.UploadChunk:
                Rewrite(UploadChunk.Parse(entry), writer);
                break;
            case JournalEntryType.ArtifactPayload:
                ArtifactPayload.Write(writer, new Guid(body[..16]), ArtifactPayload.Read(body));
                break;
            default:
                ChangeTable.Read(type, body)!.Write(writer);
                break;
        }

        return writer.Written.ToArray();
    }

    private static void Rewrite(UploadChunk chunk, ByteWriter writer)
    {
        UploadChunk.Start(writer, chunk.JobId, chunk.First);
        for (int i = chunk.First; i < chunk.End; i++)
        {
            string? text = chunk.HasText(i) ? System.Text.Encoding.UTF8.GetString(chunk.Text(i)) : null;
            UploadChunk.Add(writer, chunk.Weight(i), System.Text.Encoding.UTF8.GetString(chunk.Id(i)), text, chunk.Vector(i), ItemMetadata.FromStored(chunk.Metadata(i)));
        }

        UploadChunk.Finish(writer, chunk.End - chunk.First);
    }
}
