using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>Documented routes that this build does not have yet: they are known, and answered with 501.</summary>
internal static class NotOfferedEndpoints
{
    public static void Map(RouteTable routes)
    {
        routes.Post("/answer", Refuse);
        routes.Get("/namespaces/{namespace_name}/files", Refuse);
        routes.Post("/namespaces/{namespace_name}/files", Refuse);
        routes.Get("/namespaces/{namespace_name}/files/{file_id}", Refuse);
        routes.Post("/namespaces/{namespace_name}/files/delete", Refuse);
        routes.Get("/namespaces/{namespace_name}/file-jobs/{job_id}", Refuse);
        routes.Post("/namespaces/{namespace_name}/items/list", Refuse);
        routes.Get("/jobs/{job_id}/events", Refuse);
        routes.Get("/openapi/v1.json", Refuse);
    }

    private static ErrorAnswer Refuse(HttpContext http) =>
        ErrorAnswer.From(RequestErrors.NotOffered(http.ShownMethod(), http.FullPath()), isSearch: false);
}
