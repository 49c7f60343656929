using System.Text;
using System.Text.Json;
using Moorcheh.Artifacts;
using Moorcheh.Http.Endpoints;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Artifacts;

/// <summary>The nine routes below <c>/v1/artifacts</c>.</summary>
internal sealed class ArtifactEndpoints(StoreAccess access, MoorchehHttpOptions options)
{
    private const string TaskId = "task_id";
    private const string NotAnObject = "model_attributes_type";
    private const string NotAnObjectText = "Input should be a valid dictionary or object to extract fields from";

    // Some more than is given back of a body.
    private const int MaxShownBytes = 8192;

    private static readonly object[] BodyPlace = ["body"];

    private readonly UriAllowList _allowed = new(options.UriAllowedHosts);

    public void Map(RouteTable routes)
    {
        routes.Post("/ingest", IngestAsync);
        routes.Post("/ingest/async", StartIngestAsync);
        routes.Get("/ingest/async/{task_id}", (HttpContext http) => GetTaskAsync(http, isIngest: true));
        routes.Get("/list", ListAsync);
        routes.Post("/delete", DeleteAsync);
        routes.Post("/delete/async", StartDeleteAsync);
        routes.Get("/delete/async/{task_id}", (HttpContext http) => GetTaskAsync(http, isIngest: false));
        routes.Post("/content", GetContentAsync);
        routes.Post("/chunked-content", GetChunkedContentAsync);
    }

    private async Task<IResult> IngestAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        ArtifactIngest ingest = await ReadAsync(http, Requests(store).ReadIngest);

        // A client that leaves, or the end of the server, ends the wait and not the work.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, access.Stopping);
        ArtifactInfo? stored = await store.Artifacts.IngestAsync(ingest, end.Token);
        return Ok(writer => ArtifactListJson.Write(writer, stored is null ? [] : [stored]));
    }

    private async Task<IResult> StartIngestAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (ArtifactIngest ingest, ArtifactCallback? callback) = await ReadAsync(http, Requests(store).ReadIngestTask);
        return Started(await store.Artifacts.StartIngestAsync(ingest, callback, http.RequestAborted));
    }

    private async Task<IResult> DeleteAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (string collection, string artifact) = await ReadAsync(http, ArtifactRequests.ReadDelete);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, access.Stopping);
        await store.Artifacts.DeleteAsync(collection, artifact, end.Token);
        return Ok(writer => writer.WriteNullValue());
    }

    private async Task<IResult> StartDeleteAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (string collection, string artifact, ArtifactCallback? callback) = await ReadAsync(http, Requests(store).ReadDeleteTask);

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

    private async Task<IResult> ListAsync(HttpContext http)
    {
        string collection = http.FindQuery("collection")
            ?? throw new SchemaException([new SchemaFault("missing", ["query", "collection"], "Field required", null)]);
        IReadOnlyList<ArtifactInfo> found = await access.Store.Artifacts.ListAsync(collection, http.RequestAborted);
        return Ok(writer => ArtifactListJson.Write(writer, found));
    }

    private async Task<IResult> GetContentAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        ContentRequest request = await ReadAsync(http, ArtifactRequests.ReadContent);
        List<(ArtifactContent Content, List<ArtifactChunk> Chunks)> found = await FindContentAsync(store, request, "Artifact content", http.RequestAborted);
        return Ok(writer => ArtifactJson.WriteContent(writer, found, request.IsObject, () => CheckSize(writer, "Artifact content")));
    }

    private async Task<IResult> GetChunkedContentAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        ContentRequest request = await ReadAsync(http, ArtifactRequests.ReadContent);
        List<(ArtifactContent Content, List<ArtifactChunk> Chunks)> found = await FindContentAsync(store, request, "Chunked artifact content", http.RequestAborted);
        var joiner = new ChunkJoiner(store.Options.CountTokens, request.MaxTokens);
        return Ok(writer => ArtifactJson.WriteChunkedContent(writer, found, joiner, () => CheckSize(writer, "Chunked artifact content")));
    }

    /// <summary>Reads the artifacts that are asked for, with the chunks that are wanted of them.</summary>
    private async Task<List<(ArtifactContent Content, List<ArtifactChunk> Chunks)>> FindContentAsync(
        MoorchehStore store, ContentRequest request, string what, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> names = request.Artifacts
            ?? [.. (await store.Artifacts.ListAsync(request.Collection, cancellationToken)).Select(info => info.Artifact)];
        if (names.Count > options.MaxContentArtifacts)
        {
            throw TooLarge($"Content request exceeds the {options.MaxContentArtifacts} artifact limit");
        }

        List<(ArtifactContent, List<ArtifactChunk>)> found = [];
        long bytes = 0;
        foreach (string name in names)
        {
            if (await store.Artifacts.ReadAsync(request.Collection, name, cancellationToken) is not { } content)
            {
                if (request.Artifacts is null)
                {
                    continue; // It was deleted since it was listed.
                }

                throw new MoorchehException(ErrorCodes.ArtifactNotFound, $"VectorArtifactIndex for artifact={name} is not initialized.");
            }

            if (content.Chunks.Count > store.Options.MaxArtifactChunks)
            {
                throw TooLarge($"Artifact {name} exceeds the {store.Options.MaxArtifactChunks} node limit");
            }

            List<ArtifactChunk> chunks = request.Wants(content.Info) ? request.Select(content) : [];
            bytes += chunks.Sum(chunk => (long)Encoding.UTF8.GetByteCount(chunk.Text));
            if (bytes > options.MaxContentBytes)
            {
                throw TooLarge($"{what} exceeds the configured response size limit");
            }

            if (chunks.Count > 0)
            {
                found.Add((content, chunks));
            }
        }

        return found;
    }

    private void CheckSize(Utf8JsonWriter writer, string what)
    {
        if (writer.BytesCommitted + writer.BytesPending > options.MaxContentBytes)
        {
            throw TooLarge($"{what} exceeds the configured response size limit");
        }
    }

    private static MoorchehException TooLarge(string message) => new(HttpErrorCodes.ContentTooLarge, message);

    private static ArtifactAnswer Ok(Action<Utf8JsonWriter> write) => new(StatusCodes.Status200OK, write);

    private static ArtifactAnswer Started(ArtifactTaskStatus task) => Ok(writer => ArtifactJson.WriteStarted(writer, task));

    private ArtifactRequests Requests(MoorchehStore store) => new(_allowed, store.Options.MaxMetadataBytes);

    /// <summary>Reads a body: size, then syntax, then shape.</summary>
    private async Task<T> ReadAsync<T>(HttpContext http, Func<SchemaNode, T> read)
    {
        using RequestBody body = await RequestBody.ReadAnyAsync(http, options.MaxBodyBytes);
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
