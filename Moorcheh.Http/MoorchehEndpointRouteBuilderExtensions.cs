using Microsoft.Extensions.Options;
using Moorcheh.Http.Artifacts;
using Moorcheh.Http.Endpoints;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http;

/// <summary>Maps the Moorcheh REST API into a host.</summary>
public static class MoorchehEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps all routes of the API. Needs a store: <c>services.AddMoorcheh(...)</c>, or a <see cref="MoorchehStore"/> registered
    /// as a singleton. Settings are <see cref="MoorchehHttpOptions"/>. Map it once per host, below any prefix.
    /// </summary>
    /// <param name="endpoints">The host's routes, or a group with a prefix: <c>app.MapGroup("/moorcheh").MapMoorcheh()</c>.</param>
    /// <returns>The group of the routes, so that the host can add authorization, rate limits or CORS.</returns>
    /// <exception cref="ArgumentException">A setting of <see cref="MoorchehHttpOptions"/> is out of range.</exception>
    public static RouteGroupBuilder MapMoorcheh(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        IServiceProvider services = endpoints.ServiceProvider;
        MoorchehHttpOptions options = GetOptions(services);
        var access = new StoreAccess(services);
        LinkGenerator links = services.GetRequiredService<LinkGenerator>();

        RouteGroupBuilder group = endpoints.MapGroup("");
        group.AddEndpointFilter(CreateGate(services, access, options));
        var routes = new RouteTable(group);
        new HealthEndpoints(access).Map(routes);
        var metrics = new MetricsEndpoint(access);
        services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(metrics.Dispose);
        metrics.Map(routes);
        new NamespaceEndpoints(access, links).Map(routes);
        new UploadEndpoints(access, options, links).Map(routes);
        new JobEndpoints(access).Map(routes);
        new ItemEndpoints(access, links).Map(routes);
        new MetadataEndpoints(access).Map(routes);
        new SearchEndpoints(access).Map(routes);
        NotOfferedEndpoints.Map(routes);
        routes.MapOtherMethods();
        return group;
    }

    /// <summary>
    /// Maps the artifacts API below <c>/v1/artifacts</c>, with access rules and error bodies of its own. Needs a store as <see cref="MapMoorcheh"/>
    /// does; ingests by address need a <see cref="Moorcheh.Artifacts.ArtifactOptions.UriReader"/> that allows the address.
    /// </summary>
    /// <param name="endpoints">The host's routes, or a group with a prefix.</param>
    /// <returns>The group of the routes, so that the host can add authorization, rate limits or CORS.</returns>
    /// <exception cref="ArgumentException">A setting of <see cref="MoorchehHttpOptions"/> is out of range.</exception>
    public static RouteGroupBuilder MapMoorchehArtifacts(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        IServiceProvider services = endpoints.ServiceProvider;
        MoorchehHttpOptions options = GetOptions(services);
        var access = new StoreAccess(services);
        RouteGroupBuilder group = endpoints.MapGroup("/v1/artifacts");
        group.AddEndpointFilter(new RequestGate(access, new ArtifactDialect(options), options.Transfers, services.GetRequiredService<ILogger<RequestGate>>()));
        var routes = new RouteTable(group);
        new ArtifactEndpoints(access, options).Map(routes);
        routes.MapOtherMethods();
        group.Map("/{**path}", IResult (HttpContext http) => throw RequestErrors.UnknownRoute(http.ShownMethod(), http.FullPath()))
            .WithMetadata(new RouteRules { IsServedAlways = true })
            .ExcludeFromDescription();
        return group;
    }

    /// <summary>
    /// Answers every other path below the same prefix with 404 in the error format of the API. Leave it out at the root of a
    /// host that has pages or files of its own.
    /// </summary>
    /// <param name="endpoints">The same routes or group as for <see cref="MapMoorcheh"/>.</param>
    /// <returns>The route.</returns>
    public static IEndpointConventionBuilder MapMoorchehFallback(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        IServiceProvider services = endpoints.ServiceProvider;
        RequestGate gate = CreateGate(services, new StoreAccess(services), GetOptions(services));
        RouteHandlerBuilder route = endpoints.Map(
            "{**path}",
            (HttpContext http) => (IResult)ErrorAnswer.From(RequestErrors.UnknownRoute(http.ShownMethod(), http.FullPath()), isSearch: false));
        route.WithMetadata(new RouteRules { IsServedAlways = true }).AddEndpointFilter(gate).ExcludeFromDescription();
        route.Add(builder => ((RouteEndpointBuilder)builder).Order = int.MaxValue);
        return route;
    }

    private static MoorchehHttpOptions GetOptions(IServiceProvider services)
    {
        MoorchehHttpOptions options = services.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value;
        options.Validate();
        return options;
    }

    private static RequestGate CreateGate(IServiceProvider services, StoreAccess access, MoorchehHttpOptions options) =>
        new(access, new MoorchehDialect(options), options.Transfers, services.GetRequiredService<ILogger<RequestGate>>());
}
