using System.Text.Json.Nodes;

namespace Moorcheh.Tests.Support;

/// <summary>Short forms for tests of a store.</summary>
internal static class TestStore
{
    /// <summary>Cancelled when the time of the running test is over.</summary>
    public static CancellationToken Token => TestContext.CurrentContext.CancellationToken;

    /// <summary>Small and quick to open; the least memory, so that reads go to disk early.</summary>
    public static MoorchehOptions Options(TestEmbedder? embedder = null) => new()
    {
        Embedding = { Generator = embedder },
        Storage = { MemoryBudgetBytes = 32 << 20 },
    };

    public static Task<MoorchehStore> OpenAsync(TemporaryDirectory directory, MoorchehOptions? options = null) =>
        MoorchehStore.OpenAsync(directory.Path, options ?? Options());

    public static ItemMetadata Metadata(string key, JsonNode? value) => new JsonObject { [key] = value };

    public static Document[] TextDocuments(int count, string prefix = "d") =>
        [.. Enumerable.Range(0, count).Select(i => new Document($"{prefix}{i}", $"text number {i} of {prefix}"))];

    /// <summary>Uploads and waits; every entry must be stored.</summary>
    public static async Task<UploadJobStatus> StoreAsync(this MoorchehStore store, string name, params VectorItem[] items)
    {
        UploadJobStatus status = await (await store.UploadVectorsAsync(name, items)).WaitAsync(Token);
        Assert.That(status.Successful, Is.EqualTo(items.Length), status.LastError);
        return status;
    }

    /// <summary>Uploads and waits; every entry must be stored.</summary>
    public static async Task<UploadJobStatus> StoreAsync(this MoorchehStore store, string name, params Document[] documents)
    {
        UploadJobStatus status = await (await store.UploadDocumentsAsync(name, documents)).WaitAsync(Token);
        Assert.That(status.Successful, Is.EqualTo(documents.Length), status.LastError);
        return status;
    }

    public static async Task<string[]> FindAsync(this MoorchehStore store, SearchRequest request) =>
        [.. (await store.SearchAsync(request)).Hits.Select(hit => hit.Id)];

    /// <summary>All ids of a namespace by paging.</summary>
    public static async Task<List<string>> ListIdsAsync(this MoorchehStore store, string name, int limit = MoorchehStore.MaxIds)
    {
        List<string> ids = [];
        while (true)
        {
            ItemPage page = await store.ListItemsAsync(name, limit, ids.LastOrDefault());
            ids.AddRange(page.Items.Select(item => item.Id));
            if (!page.HasMore)
            {
                return ids;
            }
        }
    }

    /// <summary>Asserts that a call is refused with this code, and gives the exception.</summary>
    public static async Task<MoorchehException> RefusedAsync(Func<Task> call, string code)
    {
        MoorchehException? refusal = null;
        try
        {
            await call();
        }
        catch (MoorchehException e)
        {
            refusal = e;
        }

        Assert.That(refusal, Is.Not.Null, $"The call was not refused with {code}.");
        Assert.That(refusal!.Code, Is.EqualTo(code), refusal.Message);
        return refusal;
    }

    /// <summary>Asserts that a call is refused with this code and message.</summary>
    public static async Task RefusedAsync(Func<Task> call, string code, string message) =>
        Assert.That((await RefusedAsync(call, code)).Message, Is.EqualTo(message));
}
