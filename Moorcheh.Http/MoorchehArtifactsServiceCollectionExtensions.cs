using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Moorcheh.Http.Artifacts;

namespace Moorcheh.Http;

/// <summary>Adds to a host what the artifacts API needs beside a store.</summary>
public static class MoorchehArtifactsServiceCollectionExtensions
{
    // The specification of the API gives a fetch this long.
    private const int FetchSeconds = 30;

    /// <summary>
    /// Lets ingests be fetched from the hosts of <see cref="MoorchehHttpOptions.UriAllowedHosts"/>, and adds readers of HTML and DOCX. Call it beside
    /// <c>AddMoorcheh</c>, in any order; readers that the host has set itself come first.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMoorchehArtifacts(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider =>
        {
            MoorchehHttpOptions http = provider.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value;
            http.Validate();
            return new UriFetcher(new UriAllowList(http.UriAllowedHosts), http.MaxIngestBytes, TimeSpan.FromSeconds(FetchSeconds));
        });
        services.AddOptions<MoorchehHostOptions>().PostConfigure<UriFetcher>((host, fetcher) =>
        {
            host.Store.UriReader ??= fetcher;
            host.Store.DocumentReaders.Add(new HtmlReader());
            host.Store.DocumentReaders.Add(new DocxReader());
        });
        return services;
    }
}
