using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Moorcheh.Documents;

/// <summary>Adds to a host what its store needs for documents.</summary>
public static class MoorchehDocumentsServiceCollectionExtensions
{
    /// <summary>
    /// Lets ingests be fetched from the hosts of <see cref="MoorchehDocumentsOptions.UriAllowedHosts"/>, sends messages about tasks to
    /// <see cref="MoorchehDocumentsOptions.CallbackBroker"/>, and adds readers of HTML, PDF, DOCX, XLSX and PPTX. Call it beside <c>AddMoorcheh</c>, in any order; what the
    /// host has set itself stays, and its readers come first.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Sets the options; they are checked when the store is opened. Null for the defaults, or where they are configured elsewhere.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMoorchehDocuments(this IServiceCollection services, Action<MoorchehDocumentsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton(provider =>
        {
            MoorchehDocumentsOptions options = Options(provider);
            return new UriFetcher(options.UriAllowedHosts, options.MaxIngestBytes);
        });
        services.TryAddSingleton(provider => new RabbitMqPublisher(
            Options(provider).CallbackBroker, TimeProvider.System, provider.GetRequiredService<ILogger<RabbitMqPublisher>>()));
        services.AddOptions<MoorchehHostOptions>().PostConfigure<IServiceProvider>((host, provider) =>
        {
            host.Store.Artifacts.UriReader ??= provider.GetRequiredService<UriFetcher>();
            host.Store.Artifacts.Readers.Add(new HtmlReader());
            host.Store.Artifacts.Readers.Add(new DocxReader());
            host.Store.Artifacts.Readers.Add(new PdfReader());
            host.Store.Artifacts.Readers.Add(new XlsxReader());
            host.Store.Artifacts.Readers.Add(new PptxReader());
            if (host.Store.Artifacts.CallbackPublisher is null && Options(provider).CallbackBroker.Length > 0)
            {
                RabbitMqPublisher publisher = provider.GetRequiredService<RabbitMqPublisher>();
                publisher.Start();
                host.Store.Artifacts.CallbackPublisher = publisher;
            }
        });
        return services;
    }

    private static MoorchehDocumentsOptions Options(IServiceProvider provider)
    {
        MoorchehDocumentsOptions options = provider.GetRequiredService<IOptions<MoorchehDocumentsOptions>>().Value;
        options.Validate();
        return options;
    }
}
