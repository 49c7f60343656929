using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

/// <summary>A namespace that was embedded again is as one that never was embedded otherwise, whatever happens meanwhile.</summary>
internal sealed class ReembedTests : ReembedFixture
{
    [Test]
    public async Task OtherModel_Reembedded_IsAsMadeFreshly([Values(32, 48)] int dimension, [Values] bool declares, [Values(0, 1, 75)] int count)
    {
        await MakeAsync(Model("one"), Math.Max(1, count));
        TestEmbedder second = Model("two", dimension, declares);
        await using (MoorchehStore store = await OpenAsync(second))
        {
            if (count == 0)
            {
                await store.DeleteItemsAsync(Name, ["d0"]);
            }

            DateTimeOffset created = (await store.ListItemsAsync(Name)).Items.FirstOrDefault()?.CreatedAt ?? default;
            ReembedJobStatus ended = await ReembedAsync(store);
            Assert.That((ended.Total, ended.Processed, ended.Successful, ended.Failed), Is.EqualTo((count, count, count, 0)));
            Assert.That((ended.Namespace, ended.Kind, ended.LastError, ended.Cancelled), Is.EqualTo((Name, JobKind.Reembed, (string?)null, false)));
            Assert.That((await store.ListItemsAsync(Name)).Items.FirstOrDefault()?.CreatedAt ?? default, Is.EqualTo(created));
            Assert.That(await DescribeAsync(store), Is.EqualTo(await FreshAsync(second, Documents(count))));
            Assert.That(store.GetStatus().Items, Is.EqualTo(count));
            Assert.That(store.Jobs.List(new JobFilter { Kind = JobKind.Reembed }).Single(), Is.EqualTo(ended));
            Assert.That(await store.Jobs.FindErrorsAsync(ended.Id), Is.EqualTo(JobErrors.None).Or.Property(nameof(JobErrors.Errors)).Empty);
        }

        await using MoorchehStore again = await OpenAsync(second);
        Assert.That(await DescribeAsync(again), Is.EqualTo(await FreshAsync(second, Documents(count))));
        await again.StoreAsync(Name, new Document("d0", "changed 7"), new Document("new", "text"));
        Assert.That(await again.FindAsync(new SearchRequest(Name, "changed 7")), Has.Member("d0"));
    }

    [Test]
    public async Task SameModel_SearchesGoOnAgainstOldVectors_UntilTheSwitch()
    {
        TestEmbedder embedder = Model("one");

        // Documents come in batches, queries one by one.
        embedder.Distort = (texts, vectors) => texts.Count > 1 ? [.. vectors.Select(vector => vector.Reverse().ToArray())] : vectors;
        await MakeAsync(embedder, 30);
        await using MoorchehStore store = await OpenAsync(embedder);
        string before = await DescribeAsync(store);
        embedder.Distort = null;
        using var go = new ManualResetEventSlim();
        embedder.OnCall = texts =>
        {
            if (texts.Contains("text number 29 of d"))
            {
                go.Wait(Token);
            }
        };
        int calls = embedder.Calls.Count;
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        await embedder.CallsBegunAsync(calls + 2);
        Assert.That(await DescribeAsync(store), Is.EqualTo(before));
        Assert.That(store.GetNamespace(Name).RunningJobs, Is.EqualTo(1));
        go.Set();
        await EndAsync(store, job.Id);
        Assert.That(await DescribeAsync(store), Is.EqualTo(await FreshAsync(embedder, Documents(30))).And.Not.EqualTo(before));
    }

    [Test]
    public async Task ItemsChangeMeanwhile_NothingIsLostOrComesBack()
    {
        await MakeAsync(Model("one"), 60);
        TestEmbedder second = Model("two", 48);
        await using MoorchehStore store = await OpenAsync(second);
        second.OnCall = texts =>
        {
            if (texts.Contains("text number 35 of d"))
            {
                second.Block();
            }
        };
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        await second.CallsBegunAsync(4);
        second.OnCall = null;

        // One that is embedded already, one that just is, one that waits; and uploads, which wait.
        await store.DeleteItemsAsync(Name, ["d3", "d31", "d55"]);
        Job<UploadJobStatus> first = await store.UploadDocumentsAsync(Name, [new Document("d7", "changed 7"), new Document("n0", "new one")]);
        Job<UploadJobStatus> last = await store.UploadDocumentsAsync(Name, [new Document("d3", "d3 is back")]);
        Assert.That((first.Status.Processed, last.Status.Processed), Is.EqualTo((0, 0)));
        Assert.That(store.GetNamespace(Name).RunningJobs, Is.EqualTo(3));
        await RefusedAsync(() => store.SearchAsync(new SearchRequest(Name, "text")), ErrorCodes.EmbeddingModelMismatch);
        await store.CheckpointAsync(Token);
        second.Release();
        await EndAsync(store, job.Id);
        Assert.That((await first.WaitAsync(Token)).Successful, Is.EqualTo(2));
        Assert.That((await last.WaitAsync(Token)).Successful, Is.EqualTo(1));
        Document[] expected =
        [
            .. Documents(60).Where(document => document.Id is not ("d3" or "d7" or "d31" or "d55")),
            new Document("d7", "changed 7"), new Document("n0", "new one"), new Document("d3", "d3 is back"),
        ];
        Assert.That(await DescribeAsync(store), Is.EqualTo(await FreshAsync(second, expected)));
        Assert.That(store.GetStatus().Items, Is.EqualTo(59));
    }

    [Test]
    public async Task RefusedText_TheJobNamesItAndTheNamespaceStays()
    {
        TestEmbedder first = Model("one");
        await MakeAsync(first, 40);
        TestEmbedder second = Model("two");
        second.FailingWord = "27";
        string jobId;
        await using (MoorchehStore store = await OpenAsync(second))
        {
            ReembedJobStatus failed = await EndAsync(store, jobId = (await store.ReembedNamespaceAsync(Name)).Id, JobState.Failed);
            Assert.That((failed.Total, failed.Processed, failed.Successful, failed.Failed), Is.EqualTo((40, 40, 39, 1)));
            Assert.That(failed.LastError, Does.StartWith("1 items could not be embedded, 'd27' among them; the namespace stays as it was.").And.Contain("cannot embed '27'"));
            JobErrors errors = (await store.Jobs.FindErrorsAsync(failed.Id))!;
            Assert.That(errors.Errors.Select(error => error.Id), Is.EqualTo((string[])["d27"]));
            Assert.That(store.GetNamespace(Name).Embedder!.Model, Is.EqualTo("one"));
            await RefusedAsync(() => store.UploadDocumentsAsync(Name, Documents(1)), ErrorCodes.EmbeddingModelMismatch);
        }

        await using (MoorchehStore old = await OpenAsync(first))
        {
            Assert.That(await DescribeAsync(old), Is.EqualTo(await FreshAsync(first, Documents(40))));
            Assert.That((await old.Jobs.FindErrorsAsync(jobId))!.Errors, Has.Count.EqualTo(1));
        }

        // Without the item that is in the way it succeeds.
        await using MoorchehStore again = await OpenAsync(second);
        await again.DeleteItemsAsync(Name, ["d27"]);
        await ReembedAsync(again);
        Assert.That(await DescribeAsync(again), Is.EqualTo(await FreshAsync(second, [.. Documents(40).Where(document => document.Id != "d27")])));
    }

    [Test]
    public async Task EmbedderDown_IsTriedAgain_AndTheJobFailsInTheEnd([Values] bool comesBack)
    {
        TestEmbedder first = Model("one");
        await MakeAsync(first, 20);
        TestEmbedder second = Model("two");
        await using MoorchehStore store = await OpenAsync(second);

        // A step that fails asks for the batch, its last text and its first three; five steps are tried.
        second.FailNextCalls(comesBack ? 5 : 1000);
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        ReembedJobStatus ended = await EndAsync(store, job.Id, comesBack ? JobState.Completed : JobState.Failed);
        if (!comesBack)
        {
            Assert.That(ended.LastError, Is.EqualTo("The re-embedding cannot go on: Item 'd0': embedding failed: connection refused."));
            Assert.That(second.Calls, Has.Count.EqualTo(25));
        }

        await store.DisposeAsync();
        TestEmbedder now = comesBack ? second : first;
        await using MoorchehStore again = await OpenAsync(now);
        Assert.That(await DescribeAsync(again), Is.EqualTo(await FreshAsync(now, Documents(20))));
    }

    [Test]
    public async Task Refusals_NameWhatIsWrong()
    {
        await MakeAsync(Model("one"), 30);
        TestEmbedder second = Model("two");
        await using (MoorchehStore none = await OpenAsync(null))
        {
            await RefusedAsync(
                () => none.ReembedNamespaceAsync(Name), ErrorCodes.EmbedderMissing, "No embedding provider is configured; embedding texts again needs one.");
        }

        await using MoorchehStore store = await OpenAsync(second);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await RefusedAsync(() => store.ReembedNamespaceAsync("absent"), ErrorCodes.NamespaceNotFound);
        await RefusedAsync(
            () => store.ReembedNamespaceAsync("emb"), ErrorCodes.WrongNamespaceType, "Namespace 'emb' is a vector namespace; only texts can be embedded again.");
        second.Block();
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        MoorchehException twice = await RefusedAsync(() => store.ReembedNamespaceAsync(Name), ErrorCodes.NamespaceReembedding);
        Assert.That(twice.Message, Is.EqualTo($"Namespace 'docs' is already being embedded again by job '{job.Id}'."));
        Assert.That(twice.Facts["JobId"], Is.EqualTo(job.Id));
        second.Release();
        await EndAsync(store, job.Id);
        await RefusedAsync(() => store.Jobs.CancelAsync(job.Id), ErrorCodes.JobFinished);
        await ReembedAsync(store);
    }

    [Test]
    public async Task Cancel_LeavesTheNamespaceAndUploadsThatWaited([Values] bool afterReopen)
    {
        TestEmbedder first = Model("one");
        await MakeAsync(first, 40);
        MoorchehStore store = await OpenAsync(first);
        first.OnCall = texts =>
        {
            if (texts.Contains("text number 25 of d"))
            {
                first.Block();
            }
        };
        int calls = first.Calls.Count;
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        Job<UploadJobStatus> upload = await store.UploadDocumentsAsync(Name, [new Document("n", "changed 7")]);
        await first.CallsBegunAsync(calls + 3);
        if (afterReopen)
        {
            await store.DisposeAsync();
            store = await OpenAsync(first);
            await first.CallsBegunAsync(calls + 4);
        }

        await using (store)
        {
            var cancelled = (ReembedJobStatus)(await store.Jobs.CancelAsync(job.Id))!;
            Assert.That((cancelled.State, cancelled.Cancelled, cancelled.Successful), Is.EqualTo((JobState.Failed, true, 20)));
            Assert.That(cancelled.LastError, Is.EqualTo($"Job '{job.Id}' was cancelled."));
            first.OnCall = null;
            first.Release();
            await store.Jobs.WaitAsync(upload.Id, Token);
            string expected = await FreshAsync(first, [.. Documents(40), new Document("n", "changed 7")]);
            Assert.That(await DescribeAsync(store), Is.EqualTo(expected));
            await store.DisposeAsync();
            await using MoorchehStore again = await OpenAsync(first);
            Assert.That(await DescribeAsync(again), Is.EqualTo(expected));
            Assert.That(again.Jobs.Find(job.Id), Is.EqualTo(cancelled));
        }
    }

    [Test]
    public async Task NamespaceDeletedMeanwhile_TheJobEnds()
    {
        await MakeAsync(Model("one"), 40);
        TestEmbedder second = Model("two");
        await using MoorchehStore store = await OpenAsync(second);
        second.OnCall = texts =>
        {
            if (texts.Contains("text number 25 of d"))
            {
                second.Block();
            }
        };
        Job<ReembedJobStatus> job = await store.ReembedNamespaceAsync(Name);
        await second.CallsBegunAsync(3);
        await (await store.DeleteNamespaceAsync(Name)).WaitAsync(Token);
        ReembedJobStatus ended = await EndAsync(store, job.Id, JobState.Failed);
        Assert.That(ended.LastError, Is.EqualTo("Namespace 'docs' was deleted."));
        second.Release();
        await store.CreateNamespaceAsync(Name, NamespaceKind.Text);
        await store.StoreAsync(Name, Documents(5));
        Assert.That(await DescribeAsync(store), Is.EqualTo(await FreshAsync(second, Documents(5))));
        Assert.That((store.GetStatus().Items, store.GetStatus().RunningJobs), Is.EqualTo((5L, 0)));
    }
}
