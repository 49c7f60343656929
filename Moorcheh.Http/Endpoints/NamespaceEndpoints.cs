using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary>Creating, listing, reading and deleting namespaces.</summary>
internal sealed class NamespaceEndpoints(StoreAccess access, MoorchehHttpOptions options, LinkGenerator links)
{
    private const int MaxNameChars = 128;
    private const int MaxDimension = 16_384;

    public void Map(RouteTable routes)
    {
        routes.Post("/namespaces", CreateAsync);
        routes.Get("/namespaces", List);
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

    private JsonAnswer<NamespaceListResponse> List()
    {
        NamespaceEntry[] entries =
        [
            .. access.Store.ListNamespaces().Select(
                found => new NamespaceEntry(found.Name, Wire.Type(found.Kind), found.Dimension, found.ItemCount, Wire.Time(found.CreatedAt))),
        ];
        return new(new NamespaceListResponse(Wire.Success, entries), WireJson.Default.NamespaceListResponse);
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
        DeleteJob job = await access.Store.DeleteNamespaceAsync(http.GetNamespaceName(), CancellationToken.None);
        return new(
            new NamespaceDeleteResponse(
                Wire.Success, "Namespace delete started. Poll job status for progress.", job.Id, job.NamespaceName, job.TotalItems),
            WireJson.Default.NamespaceDeleteResponse,
            StatusCodes.Status202Accepted,
            links.GetPathByName(http, RouteNames.DeleteJob, new { namespace_name = job.NamespaceName, job_id = job.Id }));
    }

    private async Task<(string Name, NamespaceKind Kind, int? Dimension)> ReadCreateAsync(HttpContext http)
    {
        using RequestBody body = await RequestBody.ReadAsync(http, options.MaxBodyBytes);
        using JsonDocument document = body.Parse();
        JsonElement root = document.Root();

        string name = root.FindString("namespace_name") ?? root.FindString("name") ?? throw RequestErrors.MissingField("namespace_name");
        CheckName(name);
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
        if (root.Find(Field) is not { } sent)
        {
            // The store says that vectors need one.
            return null;
        }

        if (kind == NamespaceKind.Text)
        {
            throw new MoorchehException(ErrorCodes.InvalidDimension, $"Field '{Field}' must not be sent for text namespaces.");
        }

        double value = root.Find(Field, JsonValueKind.Number, "an integer")!.Value.AsDouble();
        return value is >= 1 and <= MaxDimension && double.IsInteger(value)
            ? (int)value
            : throw new MoorchehException(
                ErrorCodes.InvalidDimension, $"Field '{Field}' must be an integer from 1 to {MaxDimension}, not {sent.Quote()}.");
    }

    /// <summary>The store checks names too, but only after all fields have been read, and the name is the first of them.</summary>
    private static void CheckName(string name)
    {
        bool isLegal = name.Length is >= 1 and <= MaxNameChars
            && char.IsAsciiLetterOrDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
        if (!isLegal)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidName,
                $"Namespace name '{name}' is not valid: use 1 to {MaxNameChars} of A-Z, a-z, 0-9, '_' and '-', starting with a letter or digit.");
        }
    }
}
