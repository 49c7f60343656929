using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Endpoints;

/// <summary>Creating, listing, reading and deleting namespaces.</summary>
internal sealed class NamespaceEndpoints(StoreAccess access, LinkGenerator links)
{
    // What an entry of the list takes while the answer is sent, about.
    private const int ListedBytes = 256;

    public void Map(RouteTable routes)
    {
        routes.Get("/namespaces", List);
        routes.Post("/namespaces", CreateAsync);
        routes.Get("/namespaces/{namespace_name}", Get);
        routes.Delete("/namespaces/{namespace_name}", DeleteAsync);
    }

    private async Task<JsonAnswer<NamespaceCreatedResponse>> CreateAsync(HttpContext http)
    {
        (string name, NamespaceKind kind, int? dimension) = await ReadCreateAsync(http);
        NamespaceInfo created = await access.Store.CreateNamespaceAsync(name, kind, dimension, http.RequestAborted);
        return new(
            new NamespaceCreatedResponse(
                Wire.Success, $"Namespace '{created.Name}' created successfully.", created.Name, Wire.Type(created.Kind), created.Dimension),
            WireJson.Default.NamespaceCreatedResponse,
            StatusCodes.Status201Created);
    }

    private StreamAnswer List(HttpContext http)
    {
        IReadOnlyList<NamespaceInfo> namespaces = access.Store.ListNamespaces();
        Transfer.Of(http).Hold((long)ListedBytes * namespaces.Count);
        return new StreamAnswer(null, stream => WriteListAsync(stream, namespaces));
    }

    private static async ValueTask WriteListAsync(JsonStream stream, IReadOnlyList<NamespaceInfo> namespaces)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteString("status"u8, Wire.Success);
        writer.WriteStartArray("namespaces"u8);
        foreach (NamespaceInfo found in namespaces)
        {
            var entry = new NamespaceEntry(found.Name, Wire.Type(found.Kind), found.Dimension, found.ItemCount, Wire.Time(found.CreatedAt));
            JsonSerializer.Serialize(writer, entry, WireJson.Default.NamespaceEntry);
            await stream.FlushAsync();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private JsonAnswer<NamespaceResponse> Get(HttpContext http)
    {
        NamespaceInfo found = access.Store.GetNamespace(http.GetNamespaceName());
        var details = new NamespaceDetails(
            found.Name,
            Wire.Type(found.Kind),
            found.Dimension,
            found.ItemCount,
            Wire.Time(found.CreatedAt),
            Wire.Time(found.UpdatedAt),
            found.Embedder?.Provider,
            found.Embedder?.Model,
            found.Embedder?.Dimension,
            found.RunningJobs,
            found.StoredBytes);
        return new(new NamespaceResponse(Wire.Success, details), WireJson.Default.NamespaceResponse);
    }

    private async Task<JsonAnswer<NamespaceDeleteResponse>> DeleteAsync(HttpContext http)
    {
        // Not cancelled when the client leaves: the decision may already be on disk, and half a request decides nothing.
        Job<DeleteJobStatus> job = await access.Store.DeleteNamespaceAsync(http.GetNamespaceName(), CancellationToken.None);
        return new(
            new NamespaceDeleteResponse(
                Wire.Success, "Namespace delete started. Poll job status for progress.", job.Id, job.Namespace, job.Status.TotalItems),
            WireJson.Default.NamespaceDeleteResponse,
            StatusCodes.Status202Accepted,
            links.GetPathByName(http, RouteNames.DeleteJob, new { namespace_name = job.Namespace, job_id = job.Id }));
    }

    private static async Task<(string Name, NamespaceKind Kind, int? Dimension)> ReadCreateAsync(HttpContext http)
    {
        using RequestBody body = await RequestBody.ReadAsync(http, RequestBody.MaxSmallBytes);
        using JsonDocument document = body.Parse();
        JsonElement root = document.Root();

        string name = root.FindString("namespace_name") ?? root.FindString("name") ?? throw RequestErrors.MissingField("namespace_name");

        // The store checks this too, but only after all fields have been read, and the first mistake is the one to answer.
        NamespaceRules.CheckName(name);
        string type = root.GetString("type");
        NamespaceKind kind = type switch
        {
            "text" => NamespaceKind.Text,
            "vector" => NamespaceKind.Vector,
            _ => throw new MoorchehException(ErrorCodes.InvalidType, $"Field 'type' must be 'text' or 'vector', not '{root.GetProperty("type").Quote()}'."),
        };
        return (name, kind, ReadDimension(root, kind));
    }

    private static int? ReadDimension(JsonElement root, NamespaceKind kind)
    {
        const string Field = "vector_dimension";
        if (kind == NamespaceKind.Text)
        {
            // Whatever is sent, it is wrong for a text namespace; the store has the words for it.
            NamespaceRules.CheckDimension(kind, root.Find(Field) is null ? null : 0);
            return null;
        }

        if (root.Find(Field, JsonValueKind.Number, "an integer") is not { } sent)
        {
            return null;
        }

        double value = sent.AsDouble();
        return value is >= 1 and <= NamespaceRules.MaxDimension && double.IsInteger(value)
            ? (int)value
            : throw new MoorchehException(
                ErrorCodes.InvalidDimension, $"Field '{Field}' must be an integer from 1 to {NamespaceRules.MaxDimension}, not {sent.Quote()}.");
    }
}
