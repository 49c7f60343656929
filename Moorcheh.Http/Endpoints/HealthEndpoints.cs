using Moorcheh.Http.Contracts;

namespace Moorcheh.Http.Endpoints;

/// <summary><c>/health</c>, <c>/livez</c> and <c>/readyz</c>.</summary>
internal sealed class HealthEndpoints(StoreAccess access)
{
    // A text generator belongs to POST /answer, which this build does not have.
    private const string NoGenerator = "none";

    public void Map(RouteTable routes)
    {
        routes.Get("/health", Health);
        routes.Get("/livez", Live, new RouteRules { IsKeyExempt = true, IsServedAlways = true });
        routes.Get("/readyz", Ready, new RouteRules { IsKeyExempt = true });
    }

    private JsonAnswer<HealthResponse> Health()
    {
        StoreStatus status = access.Store.GetStatus();
        long maxItems = status.MaxItems == 0 ? Wire.NoCap : status.MaxItems;
        return new(
            new HealthResponse(
                status.ReadOnlyReason is not null ? "read-only" : status.Problems.Count > 0 ? "degraded" : "ok",
                status.EmbeddingProvider,
                status.EmbeddingModel,
                NoGenerator,
                "",
                status.Items,
                maxItems,
                maxItems - status.Items,
                status.Problems,
                status.FreeBytes,
                status.JournalBytes,
                status.MaxJournalBytes,
                [.. status.Loops.Select(loop => new HealthLoop(loop.Name, Wire.Time(loop.LastSuccessAt), loop.Failure))]),
            WireJson.Default.HealthResponse);
    }

    private static JsonAnswer<ProbeResponse> Live() => new(new ProbeResponse("ok"), WireJson.Default.ProbeResponse);

    private static JsonAnswer<ProbeResponse> Ready() => new(new ProbeResponse("ready"), WireJson.Default.ProbeResponse);
}
