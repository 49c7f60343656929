using Moorcheh.Artifacts;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Artifacts;

/// <summary>Collections are text namespaces; those with a name that no namespace may have are hidden.</summary>
internal sealed class CollectionTests : ArtifactFixture
{
    private const string Hidden = "c 1/ü";

    [Test]
    public async Task Hidden_IsFoundBySearchesAndArtifactCallsOnly()
    {
        await Artifacts.IngestAsync(Text(Hidden, "a", "hello"));
        Assert.That(Store.ListNamespaces(), Is.Empty);
        Assert.That(Store.FindNamespace(Hidden), Is.Null);
        Assert.That(await SearchAsync(Hidden, "hello"), Has.Length.EqualTo(1));
        Assert.That(await ListAsync(Hidden), Is.EqualTo((string[])["a"]));
        await RefusedAsync(() => Task.FromResult(Store.GetNamespace(Hidden)), ErrorCodes.NamespaceNotFound);
        await RefusedAsync(() => Store.DeleteNamespaceAsync(Hidden), ErrorCodes.NamespaceNotFound);
        await RefusedAsync(() => Store.UploadDocumentsAsync(Hidden, [new Document("x", "y")]), ErrorCodes.NamespaceNotFound);
        await RefusedAsync(() => Store.ListItemsAsync(Hidden), ErrorCodes.NamespaceNotFound);
        await RefusedAsync(() => Store.DeleteItemsAsync(Hidden, ["x"]), ErrorCodes.NamespaceNotFound);
        Assert.That(Items, Is.EqualTo(1));
    }

    [Test]
    public async Task Hidden_VanishesWithItsLastArtifact()
    {
        await Artifacts.IngestAsync(Text(Hidden, "a", "hello"));
        await Artifacts.IngestAsync(Text(Hidden, "b", "hello"));
        await Artifacts.DeleteAsync(Hidden, "a");
        Assert.That(await SearchAsync(Hidden, "hello"), Has.Length.EqualTo(1));
        await Artifacts.DeleteAsync(Hidden, "b");
        await RefusedAsync(() => SearchAsync(Hidden, "hello"), ErrorCodes.NamespaceNotFound, $"Namespace '{Hidden}' not found.");
        Assert.That((Items, Store.GetStatus().Namespaces), Is.EqualTo((0L, 0)));
        await ReopenAsync();
        Assert.That(Store.GetStatus().Namespaces, Is.Zero);
        await Artifacts.IngestAsync(Text(Hidden, "a", "hello again"));
        Assert.That(await ReadTextAsync(Hidden, "a"), Is.EqualTo("hello again"));
    }

    [Test]
    public async Task Legal_StaysWhenItsLastArtifactIsDeleted()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "hello"));
        await Artifacts.DeleteAsync("docs", "a");
        Assert.That(Store.GetNamespace("docs").ItemCount, Is.Zero);
    }

    [Test]
    public async Task Names_AreComparedExactly()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "1"));
        await Artifacts.IngestAsync(Text("docs ", "a", "2"));
        await Artifacts.IngestAsync(Text("Docs", "a", "3"));
        await Artifacts.IngestAsync(Text("docs", "A", "4"));
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo("1"));
        Assert.That(await ReadTextAsync("docs ", "a"), Is.EqualTo("2"));
        Assert.That(await ReadTextAsync("Docs", "a"), Is.EqualTo("3"));
        Assert.That(await ListAsync("docs"), Is.EqualTo((string[])["A", "a"]));
    }

    [Test]
    public async Task PlainDocuments_AreNoArtifacts()
    {
        await Store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        await Store.StoreAsync("docs", TextDocuments(3));
        await Artifacts.IngestAsync(Text("docs", "a", "text"));
        Assert.That(await ListAsync("docs"), Is.EqualTo((string[])["a"]));
        Assert.That(Store.GetNamespace("docs").ItemCount, Is.EqualTo(4));
        await Artifacts.DeleteAsync("docs", "a");
        Assert.That(await Store.ListIdsAsync("docs"), Is.EqualTo((string[])["d0", "d1", "d2"]));
    }

    [Test]
    public async Task PlainDocumentWithAChunkId_IsReplacedByTheIngest()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "text"));
        string id = (await Artifacts.ReadAsync("docs", "a"))!.Chunks[0].Id;
        await Artifacts.DeleteAsync("docs", "a");
        await Store.StoreAsync("docs", new Document(id, "plain"), new Document($"{id}0", "plain, too"));
        await Artifacts.IngestAsync(Text("docs", "a", "text again"));
        Assert.That((await Store.GetItemsAsync("docs", [id]))[0].Text, Is.EqualTo("text again"));
        Assert.That((Items, Store.GetStatus().ReservedItems), Is.EqualTo((2L, 0L)));
    }

    [Test]
    public async Task Chunks_CannotBeChangedThroughTheItemCalls()
    {
        await Artifacts.IngestAsync(Text("docs", "report", Lines(3)));
        string id = (await Artifacts.ReadAsync("docs", "report"))!.Chunks[1].Id;
        await RefusedAsync(
            () => Store.DeleteItemsAsync("docs", ["plain", id]),
            ErrorCodes.ItemOwnedByArtifact,
            $"Id 1 ('{id}') belongs to artifact 'report'; delete it through the artifacts API.");
        await RefusedAsync(
            () => Store.UploadDocumentsAsync("docs", [new Document("plain", "x"), new Document(id, "x")]),
            ErrorCodes.ItemOwnedByArtifact,
            $"Document 1 ('{id}') belongs to artifact 'report'; change it through the artifacts API.");
        Assert.That(await ReadTextAsync("docs", "report"), Is.EqualTo(Lines(3)));
        await Store.StoreAsync("docs", new Document(id[..^1] + "3", "an id after the last chunk's"));
        Assert.That(Items, Is.EqualTo(4));
    }

    /// <summary>An upload that was accepted before the artifact was stored must not overwrite a chunk either.</summary>
    [Test]
    public async Task Upload_QueuedBeforeTheIngest_DoesNotOverwriteAChunk()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "first"));
        string id = (await Artifacts.ReadAsync("docs", "a"))!.Chunks[0].Id;
        await Artifacts.DeleteAsync("docs", "a");
        Embedder.OnCall = texts =>
        {
            if (texts.Contains("plain"))
            {
                Embedder.Block();
            }
        };
        UploadJob job = await Store.UploadDocumentsAsync("docs", [new Document(id, "plain")]);
        await Embedder.CallsBegunAsync(2);
        Task<ArtifactInfo?> ingest = Artifacts.IngestAsync(Text("docs", "a", "second"));
        await Embedder.CallsBegunAsync(3);
        Embedder.OnCall = null;
        Embedder.Release();
        await ingest;
        UploadJobStatus uploaded = await job.WaitAsync(Token);
        Assert.That(await ReadTextAsync("docs", "a"), Is.EqualTo("second"));
        if (uploaded.Failed == 1)
        {
            Assert.That(uploaded.LastError, Is.EqualTo($"Document 0 ('{id}'): belongs to artifact 'a'; change it through the artifacts API."));
        }

        Assert.That(await Store.ListIdsAsync("docs"), Is.EqualTo((string[])[id]));
    }

    [Test]
    public async Task DeleteNamespace_TakesItsArtifactsAlong()
    {
        await Artifacts.IngestAsync(Text("docs", "a", Lines(20)));
        await (await Store.DeleteNamespaceAsync("docs")).WaitAsync(Token);
        Assert.That(await Artifacts.ListAsync("docs"), Is.Empty);
        Assert.That(await Artifacts.ReadAsync("docs", "a"), Is.Null);
        await RefusedAsync(() => Artifacts.DeleteAsync("docs", "a"), ErrorCodes.ArtifactNotFound);
        await Store.CreateNamespaceAsync("docs", NamespaceKind.Text);
        Assert.That(await Artifacts.ListAsync("docs"), Is.Empty);
    }

    [Test]
    public async Task DeleteNamespace_WhileIngestsRunAndWait_TheyFail()
    {
        await Artifacts.IngestAsync(Text("docs", "kept", "text"));
        Embedder.Block();
        ArtifactTaskStatus running = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(20)));
        ArtifactTaskStatus waiting = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(21)));
        ArtifactTaskStatus elsewhere = await Artifacts.StartIngestAsync(Text("other", "a", Lines(2)));
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "b");
        DeleteJob job = await Store.DeleteNamespaceAsync("docs");
        Assert.That((await EndedAsync(running, ArtifactTaskState.Failure)).LastError, Is.EqualTo("Namespace 'docs' was deleted."));
        Assert.That((await EndedAsync(waiting, ArtifactTaskState.Failure)).LastError, Is.EqualTo("Namespace 'docs' was deleted."));
        await EndedAsync(delete, ArtifactTaskState.Failure);
        await job.WaitAsync(Token);
        Embedder.Release();
        await EndedAsync(elsewhere, ArtifactTaskState.Success);
        Assert.That((Items, Store.GetStatus().ReservedItems), Is.EqualTo((2L, 0L)));
        Assert.That(Store.ListNamespaces().Select(found => found.Name), Is.EqualTo((string[])["other"]));
    }

    [Test]
    public async Task Ingest_IntoACollectionThatIsBeingDeleted_IsRefused()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "text"));
        Task<DeleteJob>? deleting = null;
        using var marked = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        Moorcheh.Diagnostics.CrashPoints.Reached = point =>
        {
            if (point == Moorcheh.Diagnostics.CrashPoints.NamespaceDeleteMarked)
            {
                marked.Set();
                go.Wait(Token);
            }
        };
        deleting = Task.Run(() => Store.DeleteNamespaceAsync("docs"));
        marked.Wait(Token);
        try
        {
            await RefusedAsync(() => Artifacts.StartIngestAsync(Text("docs", "b", "x")), ErrorCodes.NamespaceDeleting, "Namespace 'docs' is being deleted.");
            await RefusedAsync(() => Artifacts.DeleteAsync("docs", "a"), ErrorCodes.NamespaceDeleting, "Namespace 'docs' is being deleted.");
            Assert.That(await Artifacts.ListAsync("docs"), Is.Empty);
            Assert.That(await Artifacts.ReadAsync("docs", "a"), Is.Null);
        }
        finally
        {
            go.Set();
        }

        await (await deleting).WaitAsync(Token);
    }
}
