using System.Text;
using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Http.Endpoints;
using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Artifacts;

/// <summary>The nine routes below <c>/v1/artifacts</c>.</summary>
internal sealed class ArtifactEndpoints(StoreAccess access, MoorchehHttpOptions options)
{
    private const string TaskId = "task_id";
    private const string NotAnObject = "model_attributes_type";
    private const string NotAnObjectText = "Input should be a valid dictionary or object to extract fields from";

    // Some more than is given back of a body.
    private const int MaxShownBytes = 8192;

    // What a name of a list takes while the answer is sent, about.
    private const int ListedNameBytes = 64;

    private static readonly object[] BodyPlace = ["body"];

    public void Map(RouteTable routes)
    {
        routes.Post("/ingest", IngestAsync);
        routes.Post("/ingest/async", StartIngestAsync);
        routes.Get("/ingest/async/{task_id}", (HttpContext http) => GetTaskAsync(http, isIngest: true));
        routes.Get("/list", List);
        routes.Post("/delete", DeleteAsync);
        routes.Post("/delete/async", StartDeleteAsync);
        routes.Get("/delete/async/{task_id}", (HttpContext http) => GetTaskAsync(http, isIngest: false));
        routes.Post("/content", GetContentAsync);
        routes.Post("/chunked-content", GetChunkedContentAsync);
    }

    private async Task<IResult> IngestAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        ArtifactIngest ingest = await ReadAsync(http, options.MaxBodyBytes, Requests(store).ReadIngest, isIngest: true);

        // A client that leaves, or the end of the server, ends the wait and not the work.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, access.Stopping);
        ArtifactInfo? stored = await store.Artifacts.IngestAsync(ingest, Transfer.Of(http).EndWork, end.Token);
        return Ok(writer => ArtifactListJson.Write(writer, stored is null ? [] : [stored]));
    }

    private async Task<IResult> StartIngestAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (ArtifactIngest ingest, ArtifactCallback? callback) = await ReadAsync(http, options.MaxBodyBytes, Requests(store).ReadIngestTask, isIngest: true);
        return Started(await store.Artifacts.StartIngestAsync(ingest, callback, http.RequestAborted));
    }

    private async Task<IResult> DeleteAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (string collection, string artifact) = await ReadAsync(http, RequestBody.MaxSmallBytes, ArtifactRequests.ReadDelete);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, access.Stopping);
        await store.Artifacts.DeleteAsync(collection, artifact, end.Token);
        return Ok(writer => writer.WriteNullValue());
    }

    private async Task<IResult> StartDeleteAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (string collection, string artifact, ArtifactCallback? callback) = await ReadAsync(http, RequestBody.MaxSmallBytes, Requests(store).ReadDeleteTask);

        // Not cancelled when the client leaves: what it revokes may already be on disk.
        return Started(await store.Artifacts.StartDeleteAsync(collection, artifact, callback, CancellationToken.None));
    }

    private async Task<IResult> GetTaskAsync(HttpContext http, bool isIngest)
    {
        ArtifactStore artifacts = access.Store.Artifacts;
        ArtifactTaskStatus? task = artifacts.FindTask((string?)http.Request.RouteValues[TaskId] ?? "");
        if (task is null || task.IsIngest != isIngest)
        {
            throw TaskNotFound();
        }

        ArtifactInfo? stored = await artifacts.FindResultAsync(task.JobId, http.RequestAborted);
        if (stored is null && artifacts.FindTask(task.JobId) is null)
        {
            throw TaskNotFound(); // It was the oldest when one too many finished.
        }

        return Ok(writer => ArtifactJson.WriteTask(writer, task, stored));
    }

    private static MoorchehException TaskNotFound() => new(ErrorCodes.JobNotFound, "Task with specified ID not found");

    private CheckedAnswer List(HttpContext http)
    {
        string collection = http.FindQuery("collection")
            ?? throw new SchemaException([new SchemaFault("missing", ["query", "collection"], "Field required", null)]);
        ArtifactStore artifacts = access.Store.Artifacts;
        IReadOnlyList<string> names = artifacts.ListNames(collection);
        Transfer.Of(http).Hold((long)ListedNameBytes * names.Count);
        return new CheckedAnswer(stream => ArtifactJson.WriteListAsync(stream, artifacts, collection, names));
    }

    private async Task<IResult> GetContentAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        ContentRequest request = await ReadAsync(http, RequestBody.MaxListBytes, ArtifactRequests.ReadContent);
        bool isObject = request.IsObject; // Not the request: it may be large, and what writes the answer lives as long as that is sent.
        return await FindContentAsync(http, store, request, "Artifact content", (stream, found) => ArtifactJson.WriteContentAsync(stream, found, isObject));
    }

    private async Task<IResult> GetChunkedContentAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        ContentRequest request = await ReadAsync(http, RequestBody.MaxListBytes, ArtifactRequests.ReadContent);
        var joiner = new ChunkJoiner(store.Options.Embedding.CountTokens, request.MaxTokens);
        return await FindContentAsync(http, store, request, "Chunked artifact content", (stream, found) => ArtifactJson.WriteChunkedContentAsync(stream, found, joiner));
    }

    /// <summary>Finds the artifacts that are asked for, with the chunks that are wanted of them; their texts are read when they are written.</summary>
    private async Task<CheckedAnswer> FindContentAsync(
        HttpContext http, MoorchehStore store, ContentRequest request, string what, Func<JsonStream, IReadOnlyList<WantedArtifact>, ValueTask> write)
    {
        IReadOnlyList<string> names = request.Artifacts ?? store.Artifacts.ListNames(request.Collection);
        if (names.Count > options.MaxContentArtifacts)
        {
            throw TooLarge($"Content request exceeds the {options.MaxContentArtifacts} artifact limit");
        }

        var items = new PinnedItems(store);
        http.Response.RegisterForDispose(items);
        List<WantedArtifact> found = [];
        foreach (string name in names)
        {
            http.RequestAborted.ThrowIfCancellationRequested();
            if (await store.Artifacts.OpenAsync(request.Collection, name, items) is not { } artifact)
            {
                if (request.Artifacts is null)
                {
                    continue; // It was deleted since it was listed.
                }

                throw new MoorchehException(ErrorCodes.ArtifactNotFound, $"VectorArtifactIndex for artifact={name} is not initialized.");
            }

            if (artifact.ChunkCount > store.Options.Artifacts.MaxChunks)
            {
                throw TooLarge($"Artifact {name} exceeds the {store.Options.Artifacts.MaxChunks} node limit");
            }

            IReadOnlyList<int> chunks = request.Select(artifact);
            if (chunks.Count > 0)
            {
                Transfer.Of(http).Hold(artifact.Info.Metadata.Utf8Json.Length + (sizeof(int) * chunks.Count));
                found.Add(new WantedArtifact(artifact, chunks));
            }
        }

        return new CheckedAnswer(stream => write(stream, found)) { Items = items, CheckSize = bytes => CheckSize(bytes, what) };
    }

    private void CheckSize(long bytes, string what)
    {
        if (bytes > options.MaxContentBytes)
        {
            throw TooLarge($"{what} exceeds the configured response size limit");
        }
    }

    private static MoorchehException TooLarge(string message) => new(HttpErrorCodes.ContentTooLarge, message);

    private static ArtifactAnswer Ok(Action<Utf8JsonWriter> write) => new(StatusCodes.Status200OK, write);

    private static ArtifactAnswer Started(ArtifactTaskStatus task) => Ok(writer => ArtifactJson.WriteStarted(writer, task));

    private static ArtifactRequests Requests(MoorchehStore store) => new(store.Options.Artifacts.UriReader, store.Options.Limits.MaxMetadataBytes);

    /// <summary>Reads a body: size, then syntax, then shape.</summary>
    private static async Task<T> ReadAsync<T>(HttpContext http, int maxBytes, Func<SchemaNode, T> read, bool isIngest = false)
    {
        using RequestBody body = await RequestBody.ReadAnyAsync(http, maxBytes);
        if (isIngest)
        {
            await Transfer.Of(http).BeginWorkAsync(http, body.Utf8.Length);
        }

        if (body.Utf8.IsEmpty)
        {
            throw new SchemaException([new SchemaFault("missing", ["body"], "Field required", null)]);
        }

        if (!RequestBody.IsJson(http.Request.ContentType))
        {
            string sent = Encoding.UTF8.GetString(body.Utf8.Span[..Math.Min(body.Utf8.Length, MaxShownBytes)]);
            throw new SchemaException([new SchemaFault(NotAnObject, BodyPlace, NotAnObjectText, null) { InputText = sent }]);
        }

        using JsonDocument document = body.Parse();
        JsonElement root = document.RootElement;
        return root.ValueKind == JsonValueKind.Object
            ? read(new SchemaNode(root, [], BodyPlace))
            : throw new SchemaException([SchemaFault.Of(NotAnObject, BodyPlace, NotAnObjectText, root)]);
    }
}
