using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

/// <summary>Patches of metadata and deletes by a filter: what they do, in what order, and what they refuse.</summary>
[CancelAfter(60_000)]
internal sealed class ItemChangeTests
{
    // The examples of RFC 7396 whose target and patch are objects, and repeated keys.
    [TestCase("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [TestCase("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [TestCase("""{"a":"b"}""", """{"a":null}""", "{}")]
    [TestCase("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [TestCase("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [TestCase("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [TestCase("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [TestCase("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [TestCase("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [TestCase("""{"a":1}""", "{}", """{"a":1}""")]
    public async Task Patch_MergesAsTheRfcSays(string before, string patch, string after)
    {
        using var directory = new TemporaryDirectory();
        var embedder = new TestEmbedder(4);
        await using MoorchehStore store = await OpenAsync(directory, Options(embedder));
        await store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await store.StoreAsync("docs", new Document("d", "some text", ItemMetadata.Parse(before)));
        int calls = embedder.Calls.Count;
        Item old = (await store.GetItemsAsync("docs", ["d"]))[0];

        Assert.That((await store.PatchMetadataAsync("docs", "d", ItemMetadata.Parse(patch))).ToString(), Is.EqualTo(after));

        Item item = (await store.GetItemsAsync("docs", ["d"]))[0];
        Assert.That(item.Metadata.ToString(), Is.EqualTo(after));
        Assert.That((item.Text, item.CreatedAt), Is.EqualTo((old.Text, old.CreatedAt)));
        Assert.That(item.UpdatedAt, Is.GreaterThanOrEqualTo(old.UpdatedAt));
        Assert.That(embedder.Calls, Has.Count.EqualTo(calls), "Nothing is embedded.");
        embedder.Dispose();
    }

    [Test]
    public async Task Patch_WhatMayNotBe_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        MoorchehOptions options = Options();
        options.Limits.MaxMetadataBytes = 40;
        await using MoorchehStore store = await OpenAsync(directory, options);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await store.StoreAsync("emb", new VectorItem("a", new float[] { 1, 0 }, Metadata("key", "1234567890")));
        await RefusedAsync(() => store.PatchMetadataAsync("emb", "b", new JsonObject()), ErrorCodes.ItemNotFound, "Namespace 'emb' has no item 'b'.");
        await RefusedAsync(() => store.PatchMetadataAsync("nope", "a", new JsonObject()), ErrorCodes.NamespaceNotFound);
        await RefusedAsync(() => store.PatchMetadataAsync("emb", "", new JsonObject()), ErrorCodes.InvalidId);
        await RefusedAsync(
            () => store.PatchMetadataAsync("emb", "a", Metadata("other", "1234567890")),
            ErrorCodes.InvalidMetadata,
            "Item 'a' would have 41 bytes of metadata; the limit is 40.");
        await RefusedAsync(
            () => store.PatchMetadataAsync("emb", "a", ItemMetadata.Parse("""{"key":[[[[[[[[1]]]]]]]]}""")),
            ErrorCodes.InvalidMetadata,
            "Item 'a' would have metadata 9 levels deep; the limit is 8.");
        Assert.That((await store.GetItemsAsync("emb", ["a"]))[0].Metadata, Is.EqualTo(Metadata("key", "1234567890")));
        Assert.That((await store.PatchMetadataAsync("emb", "a", Metadata("key", "12345678901234567890123456789"))).Utf8Json.Length, Is.EqualTo(39));
    }

    [Test]
    public async Task DeleteByFilter_ComesAfterUploadsBeforeIt_AndBeforeThoseBehind()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        for (int round = 0; round < 20; round++)
        {
            Job<UploadJobStatus> before = await store.UploadVectorsAsync("emb", Vectors("a", 300));
            Job<ItemDeleteJobStatus> delete = await store.DeleteItemsAsync("emb", Filter.Equal("group", "x"));
            Job<UploadJobStatus> behind = await store.UploadVectorsAsync("emb", Vectors("b", 40));
            Assert.That((await delete.WaitAsync(Token)).LastError, Is.Null);
            Assert.That(before.Status.State, Is.EqualTo(JobState.Completed));
            await behind.WaitAsync(Token);
            Assert.That(await store.CountItemsAsync("emb", Filter.Equal("group", "x")), Is.EqualTo(40));
            Assert.That((await store.ListItemsAsync("emb")).Items.Select(item => item.Id[..1]), Is.All.EqualTo("b"));
        }
    }

    [Test]
    public async Task DeleteByFilter_ManySteps_StatusAndCounts()
    {
        using var directory = new TemporaryDirectory();
        MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await store.StoreAsync("emb", Vectors("a", 3500));
        await store.StoreAsync("emb", new VectorItem("kept", new float[] { 1, 2 }));
        await RefusedAsync(() => store.DeleteItemsAsync("emb", Filter.Parse("{}")), ErrorCodes.EmptyField);
        await RefusedAsync(() => store.DeleteItemsAsync("nope", Filter.Equal("a", 1)), ErrorCodes.NamespaceNotFound);

        Job<ItemDeleteJobStatus> job = await store.DeleteItemsAsync("emb", Filter.Exists("group"));
        ItemDeleteJobStatus status = await job.WaitAsync(Token);

        Assert.That((status.Kind, status.TotalItems, status.DeletedItems, status.State), Is.EqualTo((JobKind.DeleteItems, 3500L, 3500L, JobState.Completed)));
        Assert.That(await store.ListIdsAsync("emb"), Is.EqualTo(new[] { "kept" }));
        Assert.That(store.Jobs.List(new JobFilter { Kind = JobKind.DeleteItems }).Select(one => one.Id), Is.EqualTo(new[] { job.Id }));
        await RefusedAsync(() => store.Jobs.CancelAsync(job.Id), ErrorCodes.JobNotCancellable);
        await store.DisposeAsync();
        store = await OpenAsync(directory);
        Assert.That(store.Jobs.Find(job.Id), Is.EqualTo(status));
        Assert.That((store.GetStatus().Items, await store.CountItemsAsync("emb")), Is.EqualTo((1L, 1L)));
        await store.DisposeAsync();
    }

    [TestCase("""{"a.b":1,"a":{"b":{"c":2}}}""", """{"a.b.c":2}""", 1)]
    [TestCase("""{"a.b":1,"a":{"b":{"c":2}}}""", """{"a.b":1}""", 1)]
    [TestCase("""{"a.b":1,"a":{"b":3}}""", """{"a.b":3}""", 0)]
    [TestCase("""{"a":{"b":1},"a":{"c":2}}""", """{"a.b":1}""", 0)]
    public async Task Count_PathBehindALiteralKey_IsAsTheFilterMatches(string metadata, string filter, int count)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Options());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await store.StoreAsync("emb", new VectorItem("a", new float[] { 1, 0 }, ItemMetadata.Parse(metadata)));

        Assert.That(await store.CountItemsAsync("emb", Filter.Parse(filter)), Is.EqualTo(count));
        Assert.That(Filter.Parse(filter).Matches((await store.GetItemsAsync("emb", ["a"]))[0].Metadata), Is.EqualTo(count == 1));
    }

    [Test]
    public void Filter_KeyThatLooksLikeAnOperator_IsRefused() =>
        Assert.That(() => Filter.Equal("$type", "x"), Throws.InstanceOf<MoorchehException>().With.Property("Code").EqualTo(ErrorCodes.InvalidFilter));

    /// <summary>A filter within its limits of nodes and values may have any number of bytes; a job of it would be too long for the journal.</summary>
    [Test]
    public async Task DeleteByFilter_OfMegabytes_IsRefusedAndHoldsNothingUp()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory, Options());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        var filter = Filter.Parse($$$"""{"k":{"$in":[{{{string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"{i:D2500}\""))}}}]}}""");

        await RefusedAsync(() => store.DeleteItemsAsync("emb", filter), ErrorCodes.InvalidFilter);

        await store.CheckpointAsync(Token);
        Assert.That(store.Jobs.List(new JobFilter()), Is.Empty);
    }

    [Test]
    public async Task DeleteByFilter_NamespaceDeleted_Ends()
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 2);
        await store.StoreAsync("emb", Vectors("a", 2500));
        Job<ItemDeleteJobStatus>[] deletes = [.. await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => store.DeleteItemsAsync("emb", Filter.Equal("group", "x"))))];
        await (await store.DeleteNamespaceAsync("emb")).WaitAsync(Token);
        foreach (Job<ItemDeleteJobStatus> delete in deletes)
        {
            ItemDeleteJobStatus status = await delete.WaitAsync(Token);
            Assert.That(status.State == JobState.Completed || status.LastError == "Namespace 'emb' was deleted.", Is.True, status.LastError);
        }

        Assert.That(store.GetStatus().Items, Is.Zero);
    }

    private static VectorItem[] Vectors(string prefix, int count) =>
        [.. TestVectors.Items(1, count, 2, prefix).Select(item => item with { Metadata = Metadata("group", "x") })];
}
