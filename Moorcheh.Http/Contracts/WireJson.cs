using System.Text.Json.Serialization;

namespace Moorcheh.Http.Contracts;

/// <summary>Source-generated JSON of all answers. Keys come in the order of declaration.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(ProbeResponse))]
[JsonSerializable(typeof(NamespaceCreatedResponse))]
[JsonSerializable(typeof(NamespaceListResponse))]
[JsonSerializable(typeof(NamespaceResponse))]
[JsonSerializable(typeof(NamespaceDeleteResponse))]
[JsonSerializable(typeof(UploadStartedResponse))]
[JsonSerializable(typeof(UploadJobResponse))]
[JsonSerializable(typeof(DeleteJobResponse))]
[JsonSerializable(typeof(JobListResponse))]
[JsonSerializable(typeof(JobResponse))]
[JsonSerializable(typeof(ItemsResponse))]
[JsonSerializable(typeof(ItemsDeletedResponse))]
[JsonSerializable(typeof(TextPageResponse))]
[JsonSerializable(typeof(SearchResponse))]
internal sealed partial class WireJson : JsonSerializerContext;
