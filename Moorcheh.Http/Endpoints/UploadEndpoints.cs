using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Endpoints;

/// <summary>Uploads of documents and vectors, and embedding documents again.</summary>
internal sealed class UploadEndpoints(StoreAccess access, MoorchehHttpOptions options, LinkGenerator links)
{
    public void Map(RouteTable routes)
    {
        routes.Post("/namespaces/{namespace_name}/documents", UploadDocumentsAsync);
        routes.Post("/namespaces/{namespace_name}/vectors", UploadVectorsAsync);
        routes.Post("/namespaces/{namespace_name}/reembed", ReembedAsync);
    }

    private async Task<JsonAnswer<UploadStartedResponse>> UploadDocumentsAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        List<Document> documents;
        using (RequestBody body = await RequestBody.ReadAsync(http, options.MaxBodyBytes))
        {
            await Transfer.Of(http).BeginWorkAsync(http, body.Utf8.Length);
            FieldPlace? place = JsonSyntax.Check(body.Utf8.Span, "documents"u8);
            GetTarget(http, store, NamespaceKind.Text, "documents need");
            documents = UploadReader.ReadDocuments(body.Utf8.Span, place, store.Options);
        }

        Job<UploadJobStatus> job = await store.UploadDocumentsAsync(http.GetNamespaceName(), documents, http.RequestAborted);
        return Started(http, job, "Documents upload started. Poll job status for progress.");
    }

    private async Task<JsonAnswer<UploadStartedResponse>> UploadVectorsAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        var floats = new FloatSlabs();
        List<VectorItem> vectors;
        using (RequestBody body = await RequestBody.ReadAsync(http, options.MaxBodyBytes))
        {
            await Transfer.Of(http).BeginWorkAsync(http, body.Utf8.Length);
            vectors = ReadVectors(http, store, body.Utf8.Span, floats);
        }

        Job<UploadJobStatus> job = await store.UploadVectorsAsync(http.GetNamespaceName(), vectors, http.RequestAborted);

        // Only now, and not when the call failed: a call that was cancelled may still be reading. The collector takes those.
        floats.Dispose();
        return Started(http, job, "Vectors upload started. Poll job status for progress.");
    }

    private async Task<JsonAnswer<UploadStartedResponse>> ReembedAsync(HttpContext http)
    {
        // Not cancelled when the client leaves: the job may already be on disk.
        Job<ReembedJobStatus> job = await access.Store.ReembedNamespaceAsync(http.GetNamespaceName(), CancellationToken.None);
        return Started(http, job.Id, job.Namespace, job.Status.Total, "Re-embedding started. Poll job status for progress.");
    }

    private static List<VectorItem> ReadVectors(HttpContext http, MoorchehStore store, ReadOnlySpan<byte> body, FloatSlabs floats)
    {
        NamespaceInfo? likely = store.FindNamespace(http.GetNamespaceName());
        if (likely is { Kind: NamespaceKind.Vector } && VectorFastPath.TryRead(body, likely, floats, store.Options) is { } vectors)
        {
            return vectors;
        }

        FieldPlace? place = JsonSyntax.Check(body, "vectors"u8);
        NamespaceInfo target = GetTarget(http, store, NamespaceKind.Vector, "vectors need");
        return UploadReader.ReadVectors(body, place, target, floats, store.Options);
    }

    private static NamespaceInfo GetTarget(HttpContext http, MoorchehStore store, NamespaceKind kind, string what)
    {
        NamespaceInfo target = store.GetNamespace(http.GetNamespaceName());
        return target.Kind == kind ? target : throw RequestErrors.WrongNamespaceType(target.Name, target.Kind, what);
    }

    private JsonAnswer<UploadStartedResponse> Started(HttpContext http, Job<UploadJobStatus> job, string message) =>
        Started(http, job.Id, job.Namespace, job.Status.Total, message);

    private JsonAnswer<UploadStartedResponse> Started(HttpContext http, string jobId, string name, int total, string message) => new(
        new UploadStartedResponse(Wire.Success, message, jobId, name, total),
        WireJson.Default.UploadStartedResponse,
        StatusCodes.Status202Accepted,
        links.GetPathByName(http, RouteNames.UploadJob, new { namespace_name = name, job_id = jobId }));
}
