namespace Moorcheh.Http.Endpoints;

/// <summary>Names of routes that answers point to.</summary>
internal static class RouteNames
{
    /// <summary>Of re-embeddings, too.</summary>
    public const string UploadJob = "moorcheh-upload-job";
    public const string Job = "moorcheh-job";
    public const string DeleteJob = "moorcheh-delete-job";
}
