namespace Moorcheh.Http.Endpoints;

/// <summary>Reads parts of a request.</summary>
internal static class HttpContextExtensions
{
    public const string NamespaceName = "namespace_name";
    public const string JobId = "job_id";
    public const string ItemId = "item_id";

    /// <summary>The name in the path, decoded once.</summary>
    public static string GetNamespaceName(this HttpContext http) => http.GetRouteText(NamespaceName);

    /// <summary>The job id in the path, decoded once.</summary>
    public static string GetJobId(this HttpContext http) => http.GetRouteText(JobId);

    /// <summary>The item id in the path, decoded once.</summary>
    public static string GetItemId(this HttpContext http) => http.GetRouteText(ItemId);

    /// <summary>The path as the client sees it, prefix included.</summary>
    public static string FullPath(this HttpContext http) => (http.Request.PathBase + http.Request.Path).Value ?? "/";

    /// <summary>The method as a text names it: an answer to HEAD is that to GET, with the same length.</summary>
    public static string ShownMethod(this HttpContext http) => HttpMethods.IsHead(http.Request.Method) ? HttpMethods.Get : http.Request.Method;

    /// <summary>The rules of the matched route.</summary>
    public static RouteRules GetRouteRules(this HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<RouteRules>() ?? RouteRules.Default;

    private static string GetRouteText(this HttpContext http, string name)
    {
        // The server has decoded everything but %2F, which it must keep to find the segments.
        string text = (string?)http.Request.RouteValues[name] ?? "";
        return text.Contains('%') ? text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) : text;
    }
}
