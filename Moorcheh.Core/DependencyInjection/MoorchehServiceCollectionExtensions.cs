using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Moorcheh;

/// <summary>Adds a Moorcheh store to a host.</summary>
public static class MoorchehServiceCollectionExtensions
{
    /// <summary>
    /// Adds one <see cref="MoorchehStore"/> that is opened when the host starts and closed when it stops. Inject
    /// <see cref="MoorchehStore"/>, or <see cref="MoorchehHostedStore"/> in code that may run before the store is open. Takes the logging,
    /// the <see cref="TimeProvider"/> and the <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of texts that the container has.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Sets the options; they are checked when the host starts.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddMoorcheh(this IServiceCollection services, Action<MoorchehHostOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddMoorcheh((_, options) => configure(options));
    }

    /// <summary>As <see cref="AddMoorcheh(IServiceCollection, Action{MoorchehHostOptions})"/>, with access to other services.</summary>
    public static IServiceCollection AddMoorcheh(
        this IServiceCollection services, Action<IServiceProvider, MoorchehHostOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);

        services.AddOptions<MoorchehHostOptions>().Configure<IServiceProvider>((options, provider) =>
        {
            options.Store.LoggerFactory = provider.GetRequiredService<ILoggerFactory>();
            if (provider.GetService<TimeProvider>() is { } clock)
            {
                options.Store.TimeProvider = clock;
            }

            options.Store.Embedding.Generator = provider.GetService<IEmbeddingGenerator<string, Embedding<float>>>();
            configure(provider, options);
        }).ValidateOnStart();
        services.TryAddSingleton<IValidateOptions<MoorchehHostOptions>, MoorchehHostOptionsValidator>();
        services.TryAddSingleton<MoorchehHostedStore>();
        services.AddHostedService(provider => provider.GetRequiredService<MoorchehHostedStore>());
        services.TryAddSingleton(provider => provider.GetRequiredService<MoorchehHostedStore>().Current
            ?? throw new MoorchehException(ErrorCodes.NotReady, "The store is not open yet; inject MoorchehHostedStore to wait for it."));
        return services;
    }

    private sealed class MoorchehHostOptionsValidator : IValidateOptions<MoorchehHostOptions>
    {
        public ValidateOptionsResult Validate(string? name, MoorchehHostOptions options)
        {
            if (string.IsNullOrWhiteSpace(options.DataDirectory))
            {
                return ValidateOptionsResult.Fail($"Option '{nameof(options.DataDirectory)}' is empty; it must name a directory.");
            }

            try
            {
                options.Store.Validate();
                return ValidateOptionsResult.Success;
            }
            catch (ArgumentException e)
            {
                return ValidateOptionsResult.Fail(e.Message);
            }
        }
    }
}
