using System.Text.Json.Serialization;

namespace Moorcheh.Http.Contracts;

/// <summary>Source-generated JSON of all answers. Keys come in the order of declaration.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(ProbeResponse))]
[JsonSerializable(typeof(NamespaceCreatedResponse))]
[JsonSerializable(typeof(NamespaceEntry))]
[JsonSerializable(typeof(NamespaceResponse))]
[JsonSerializable(typeof(NamespaceDeleteResponse))]
[JsonSerializable(typeof(UploadStartedResponse))]
[JsonSerializable(typeof(UploadJobResponse))]
[JsonSerializable(typeof(DeleteJobResponse))]
[JsonSerializable(typeof(JobListResponse))]
[JsonSerializable(typeof(JobResponse))]
[JsonSerializable(typeof(ItemsDeletedResponse))]
[JsonSerializable(typeof(ItemDeleteStartedResponse))]
[JsonSerializable(typeof(ItemCountResponse))]
[JsonSerializable(typeof(Pagination))]
[JsonSerializable(typeof(TimingsEntry))]
internal sealed partial class WireJson : JsonSerializerContext;
