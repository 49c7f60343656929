using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;
using Moorcheh.Tests.Jobs;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// The files are copied at each named place of a re-embedding, as a kill at that moment would leave them. The copy goes on where it was, or, opened with
/// another embedder, begins anew; either way the namespace is in the end as one that was made so.
/// </summary>
internal sealed class ReembedCrashTests : ReembedFixture
{
    private const int Count = 45;
    private const int Batch = 10;

    private static IEnumerable<TestCaseData> Points() =>
    [
        .. CrashPoints.Reembeddings.Select(point => new TestCaseData(point, 1)),
        new TestCaseData(CrashPoints.ReembedStoring, 4),
        new TestCaseData(CrashPoints.ReembedStoring, 33),
        .. Enumerable.Range(1, 7).Select(pass => new TestCaseData(CrashPoints.JournalCommitted, pass)),
    ];

    [TestCaseSource(nameof(Points))]
    public async Task Kill_AtEachPoint_GoesOn(string point, int pass)
    {
        await MakeAsync(Model("one"), Count);
        TestEmbedder second = Model("two", 48);
        using var copy = new TemporaryDirectory();
        int left = pass;
        int embedded = 0;
        string? jobId = null;
        await using (MoorchehStore store = await OpenAsync(second))
        {
            CrashPoints.Reached = reached =>
            {
                if (reached == point && Interlocked.Decrement(ref left) == 0)
                {
                    embedded = second.Calls.Sum(call => call.Count);
                    CrashCopy.Take(Data.Path, copy.Path);
                }
            };
            jobId = (await store.ReembedNamespaceAsync(Name)).Id;
            await EndAsync(store, jobId);
        }

        CrashPoints.Reached = null;
        Assert.That(left, Is.LessThanOrEqualTo(0), "The point was not reached.");
        string expected = await FreshAsync(second, Documents(Count));

        TestEmbedder same = Model("two", 48);
        using (TemporaryDirectory goingOn = CopyOf(copy))
        await using (MoorchehStore store = await TestStore.OpenAsync(goingOn, Options(same)))
        {
            if (store.Jobs.Find(jobId) is null)
            {
                Assert.That(point, Is.EqualTo(CrashPoints.JournalCommitted), "An accepted job is lost.");
                jobId = (await store.ReembedNamespaceAsync(Name)).Id;
            }

            await EndAsync(store, jobId);
            Assert.That(await DescribeAsync(store), Is.EqualTo(expected));

            // Without the queries of the description.
            int again = same.Calls.Where(call => call.All(text => text.EndsWith(" of d", StringComparison.Ordinal) && text != "number of d")).Sum(call => call.Count);
            Assert.That(again, Is.LessThanOrEqualTo(Count - embedded + Batch + 1), "It began again.");
            await store.DisposeAsync();
            await using MoorchehStore reopened = await TestStore.OpenAsync(goingOn, Options(same));
            Assert.That(await DescribeAsync(reopened), Is.EqualTo(expected));
            Assert.That(await StoreFilesAreSoundAsync(reopened, goingOn), Is.Empty);
        }

        TestEmbedder third = Model("three", 24);
        await using (MoorchehStore store = await TestStore.OpenAsync(copy, Options(third)))
        {
            if (store.Jobs.List().OfType<ReembedJobStatus>().FirstOrDefault(job => job.State == JobState.Running) is { } job)
            {
                await EndAsync(store, job.Id);
            }
            else
            {
                await ReembedAsync(store);
            }

            if (store.GetNamespace(Name).Embedder!.Model == "two")
            {
                await ReembedAsync(store); // The switch was in the journal already.
            }

            Assert.That(await DescribeAsync(store), Is.EqualTo(await FreshAsync(third, Documents(Count))));
        }
    }

    [Test]
    public async Task Kill_BehindACheckpointInTheMiddle_GoesOn([Values] bool losesIndexFiles, [Values] bool withChanges)
    {
        await MakeAsync(Model("one"), Count);
        TestEmbedder second = Model("two", 48);
        using var copy = new TemporaryDirectory();
        Document[] expected = Documents(Count);
        string jobId;
        await using (MoorchehStore store = await OpenAsync(second))
        {
            second.OnCall = texts =>
            {
                if (texts.Contains("text number 25 of d"))
                {
                    second.Block();
                }
            };
            jobId = (await store.ReembedNamespaceAsync(Name)).Id;
            await second.CallsBegunAsync(3);
            if (withChanges)
            {
                await store.DeleteItemsAsync(Name, ["d1"]);
            }

            await store.CheckpointAsync(Token);
            await store.CheckpointAsync(Token);
            if (withChanges)
            {
                await store.DeleteItemsAsync(Name, ["d2", "d40"]);
                expected = [.. expected.Where(document => document.Id is not ("d1" or "d2" or "d40"))];
            }

            CrashCopy.Take(Data.Path, copy.Path);
            second.OnCall = null;
            second.Release();
            await EndAsync(store, jobId);
        }

        if (losesIndexFiles)
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(copy.Path, "index")).ToList())
            {
                File.Delete(file);
            }
        }

        TestEmbedder same = Model("two", 48);
        string fresh = await FreshAsync(same, expected);
        int before = same.Calls.Count;
        await using MoorchehStore crashed = await TestStore.OpenAsync(copy, Options(same));
        ReembedJobStatus ended = await EndAsync(crashed, jobId);
        Assert.That((ended.Total, ended.Successful), Is.EqualTo((Count, Count)));
        Assert.That(same.Calls.Skip(before).Sum(call => call.Count), Is.EqualTo(withChanges ? 24 : 25));
        Assert.That(await DescribeAsync(crashed), Is.EqualTo(fresh));
        await crashed.DisposeAsync();
        await using MoorchehStore again = await TestStore.OpenAsync(copy, Options(same));
        Assert.That(await DescribeAsync(again), Is.EqualTo(fresh));
    }

    /// <summary>Two attempts give the same numbers to other vectors. An index that is made anew takes the last.</summary>
    [TestCase(24)]
    [TestCase(48)]
    public async Task IndexMadeAnew_AfterAnAttemptThatWasGivenUp_HasTheLastVectors(int dimension)
    {
        await MakeAsync(Model("one"), Count);
        TestEmbedder second = Model("two", 48);
        await using (MoorchehStore store = await OpenAsync(second))
        {
            second.OnCall = texts =>
            {
                if (texts.Contains("text number 25 of d"))
                {
                    second.Block();
                }
            };
            string given = (await store.ReembedNamespaceAsync(Name)).Id;
            await second.CallsBegunAsync(3);
            await store.Jobs.CancelAsync(given);
            second.OnCall = null;
            second.Release();
            await store.Jobs.WaitAsync(given, TestStore.Token);
        }

        TestEmbedder third = Model("three", dimension);
        string fresh = await FreshAsync(third, Documents(Count));
        await using (MoorchehStore store = await OpenAsync(third))
        {
            await EndAsync(store, (await store.ReembedNamespaceAsync(Name)).Id);
            await store.CheckpointAsync(Token);
        }

        foreach (string file in Directory.EnumerateFiles(Path.Combine(Data.Path, "index")).ToList())
        {
            File.Delete(file);
        }

        await using MoorchehStore opened = await OpenAsync(third);
        Assert.That(await DescribeAsync(opened), Is.EqualTo(fresh));
    }

    [Test]
    public async Task DiskFull_TheJobFailsAndTheNamespaceStays()
    {
        TestEmbedder first = Model("one");
        var disk = new MoodyDisk();
        MoorchehOptions options = Options(first);
        options.Disk = disk;
        await using MoorchehStore store = await TestStore.OpenAsync(Data, options);
        await store.CreateNamespaceAsync(Name, NamespaceKind.Text);
        await store.StoreAsync(Name, Documents(Count));
        string before = await DescribeAsync(store);
        disk.Free = options.Storage.MinFreeBytes + 100;
        await RefusedAsync(() => store.ReembedNamespaceAsync(Name), ErrorCodes.StorageFull);
        disk.Free = null;
        int calls = first.Calls.Count;
        first.OnCall = texts =>
        {
            if (texts.Contains("text number 25 of d"))
            {
                disk.Free = options.Storage.MinFreeBytes - 1;
            }
        };
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        ReembedJobStatus ended = await EndAsync(store, job.Id, JobState.Failed);
        Assert.That(ended.LastError, Is.EqualTo("Storage is full; the namespace stays as it was."));
        Assert.That(first.Calls, Has.Count.EqualTo(calls + 3));
        disk.Free = null;
        first.OnCall = null;
        Assert.That(await DescribeAsync(store), Is.EqualTo(before));
        await store.CheckpointAsync(Token);
        await ReembedAsync(store);
        Assert.That(await DescribeAsync(store), Is.EqualTo(before));
    }

    [Test]
    public async Task CommitFails_InTheMiddle_IsCarriedOutOnce([Values(1, 2, 3, 4)] int commit)
    {
        await MakeAsync(Model("one"), 30);
        TestEmbedder second = Model("two", 48);
        await using MoorchehStore store = await OpenAsync(second);
        int left = 0;
        bool began = false;
        second.OnCall = _ =>
        {
            if (!began)
            {
                began = true;
                Volatile.Write(ref left, commit);
            }
        };
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.JournalCommitting && Interlocked.Decrement(ref left) == 0)
            {
                throw new IOException("No room.");
            }
        };
        ReembedJobStatus ended = await ReembedAsync(store);
        CrashPoints.Reached = null;
        Assert.That(left, Is.LessThanOrEqualTo(0));
        Assert.That(ended.Successful, Is.EqualTo(30));
        string expected = await FreshAsync(second, Documents(30));
        Assert.That(await DescribeAsync(store), Is.EqualTo(expected));
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        await using MoorchehStore crashed = await TestStore.OpenAsync(copy, Options(second));
        Assert.That(await DescribeAsync(crashed), Is.EqualTo(expected));
    }

    /// <summary>Every entry of re-embeddings, as a store writes them, is read and written with the same bytes.</summary>
    [Test]
    public async Task Journal_Entries_AreWrittenAsTheyWereRead()
    {
        TestEmbedder first = Model("one");
        await MakeAsync(first, 30);
        TestEmbedder second = Model("two", 48);
        second.FailingWord = "27";
        second.OnCall = texts =>
        {
            if (texts.Contains("text number 15 of d"))
            {
                second.Block();
            }
        };
        await using (MoorchehStore store = await OpenAsync(second))
        {
            await store.ReembedNamespaceAsync(Name);
            await second.CallsBegunAsync(2);
        }

        await using (MoorchehStore store = await OpenAsync(first))
        {
            await EndAsync(store, store.Jobs.List(new JobFilter { Kind = JobKind.Reembed })[0].Id); // It began anew.
            first.FailingWord = "27";
            await EndAsync(store, (await store.ReembedNamespaceAsync(Name)).Id, JobState.Failed);
        }

        HashSet<int> found = [];
        using var files = new JournalFiles(Path.Combine(Data.Path, "journal", "journal.log"), Disk.Default);
        var reader = new JournalReader(files, FasterSettings.FirstAddress);
        var writer = new ByteWriter();
        while (reader.Read())
        {
            if ((int)reader.Type is >= 30 and <= 34)
            {
                found.Add((int)reader.Type);
                writer.Clear();
                ChangeTable.Read(reader.Type, reader.Body.Span)!.Write(writer);
                Assert.That(writer.Written.SequenceEqual(reader.Body.Span), $"{reader.Type} at {reader.Address}");
            }
        }

        Assert.That(found, Is.EquivalentTo((int[])[30, 31, 32, 33, 34]));
    }

    [Test]
    public async Task Repair_DamageInWhatWasBuilt_LosesNothing()
    {
        await MakeAsync(Model("one"), Count);
        TestEmbedder second = Model("two", 48);
        second.OnCall = texts =>
        {
            if (texts.Contains("text number 35 of d"))
            {
                second.Block();
            }
        };
        string jobId;
        await using (MoorchehStore store = await OpenAsync(second))
        {
            jobId = (await store.ReembedNamespaceAsync(Name)).Id;
            await second.CallsBegunAsync(4);

            // Enough behind it that it is not in the last page of the record log.
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
            await store.StoreAsync("emb", [.. TestVectors.Items(3, 1200, 8).Select(item => item with { Metadata = Metadata("pad", new string('p', 4000)) })]);
        }

        string log = Path.Combine(Data.Path, "records", "records.log.0");
        byte[] bytes = await File.ReadAllBytesAsync(log, Token);
        bytes[bytes.AsSpan().LastIndexOf("text number 29 of d"u8)] ^= 0x10;
        await File.WriteAllBytesAsync(log, bytes, Token);
        StoreRepair repaired = await StoreFiles.RepairAsync(Data.Path, dropDamaged: false, cancellationToken: Token);
        Assert.That(repaired.Damage, Is.Not.Empty);
        Assert.That((repaired.Lost, repaired.IsSound), Is.EqualTo((Array.Empty<string>(), true)));

        TestEmbedder same = Model("two", 48);
        await using MoorchehStore again = await OpenAsync(same);
        await EndAsync(again, jobId);
        Assert.That(await DescribeAsync(again), Is.EqualTo(await FreshAsync(same, Documents(Count))));
    }

    private static async Task<IReadOnlyList<StoreDamage>> StoreFilesAreSoundAsync(MoorchehStore store, TemporaryDirectory directory)
    {
        await store.DisposeAsync();
        return await StoreFiles.VerifyAsync(directory.Path, Token);
    }

    private static TemporaryDirectory CopyOf(TemporaryDirectory directory)
    {
        var copy = new TemporaryDirectory();
        CrashCopy.Copy(directory.Path, copy.Path);
        return copy;
    }
}
