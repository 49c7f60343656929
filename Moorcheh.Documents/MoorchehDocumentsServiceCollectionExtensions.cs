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
    /// Lets ingests be fetched from the hosts of <see cref="MoorchehHttpOptions.UriAllowedHosts"/>, sends messages about tasks to
    /// <see cref="MoorchehHttpOptions.CallbackBroker"/>, and adds readers of HTML and DOCX. Call it beside <c>AddMoorcheh</c>, in any order; what the
    /// host has set itself stays, and its readers come first.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMoorchehArtifacts(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider =>
        {
            MoorchehHttpOptions http = Options(provider);
            return new UriFetcher(new UriAllowList(http.UriAllowedHosts), http.MaxIngestBytes, TimeSpan.FromSeconds(FetchSeconds));
        });
        services.TryAddSingleton(provider => new AmqpPublisher(
            BrokerAddress.Parse(Options(provider).CallbackBroker)!, TimeProvider.System, provider.GetRequiredService<ILogger<AmqpPublisher>>()));
        services.AddOptions<MoorchehHostOptions>().PostConfigure<IServiceProvider>((host, provider) =>
        {
            host.Store.UriReader ??= provider.GetRequiredService<UriFetcher>();
            host.Store.DocumentReaders.Add(new HtmlReader());
            host.Store.DocumentReaders.Add(new DocxReader());
            if (host.Store.CallbackPublisher is null && Options(provider).CallbackBroker.Length > 0)
            {
                AmqpPublisher publisher = provider.GetRequiredService<AmqpPublisher>();
                publisher.Start();
                host.Store.CallbackPublisher = publisher;
            }
        });
        return services;
    }

    private static MoorchehHttpOptions Options(IServiceProvider provider)
    {
        MoorchehHttpOptions http = provider.GetRequiredService<IOptions<MoorchehHttpOptions>>().Value;
        http.Validate();
        return http;
    }
}
