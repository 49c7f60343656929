using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration.Memory;
using Moorcheh.Documents;
using Moorcheh.Http;

namespace Moorcheh.Sidecar;

/// <summary>Sets up the sidecar process around the adapter: settings, server, logs, store.</summary>
internal static class SidecarHost
{
    // Closing the store takes up to ShutdownSeconds; requests and the final checkpoint come on top.
    private const int ShutdownMarginSeconds = 30;

    // The adapter ends bodies and long answers 3 s after the stop began. What is open then has a client that does nothing, or a request
    // that still works; neither may hold up the stop.
    private const int ConnectionStopSeconds = 6;

    // The adapter sets its own limit, twice the largest body, for the requests it reads; this is for the rest.
    private const long ServerLimitFactor = 2;

    // Of each connection, of what arrived before anybody asked for it; the server's own default is a mebibyte.
    private const int MaxRequestBufferBytes = 256 << 10;

    private const string LogCategory = "Moorcheh.Sidecar";

    private static readonly Dictionary<string, string?> NormalLogging = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",

        // A failed start is thrown to Program, which says what is wrong in one line.
        ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "Critical",
    };

    /// <summary>Reads the settings and prepares the host.</summary>
    /// <exception cref="SettingsException">The settings do not allow a start.</exception>
    public static WebApplicationBuilder CreateBuilder(string[] arguments)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = NormalLogging });
        SidecarSettings settings = SidecarSettings.Read(builder.Configuration, Environment.GetEnvironmentVariables(), arguments);

        builder.Logging.ClearProviders().AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        });
        var connections = new OpenConnections();
        builder.Services.AddSingleton(connections);
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.ConfigureEndpointDefaults(endpoint =>
            {
                endpoint.Use(connections.Track);
                RejectedRequests.Watch(endpoint);
            });
            SetLimits(server.Limits, settings);

            // The adapter answers at its own limit; this one is behind it.
            server.Limits.MaxRequestBodySize = ServerLimitFactor * settings.Http.MaxBodyBytes;
            ListenAddress.Parse(settings.Sidecar.ServerHost).Apply(server, settings.Sidecar.ServerPort);
        });
        builder.Services.Configure<HostOptions>(
            host => host.ShutdownTimeout = settings.Host.Store.ShutdownTimeout + TimeSpan.FromSeconds(ShutdownMarginSeconds));
        AddServices(builder.Services, settings);
        return builder;
    }

    /// <summary>The check of the host, before all else; CORS; and the lines in the log that say where the server is and that it stopped.</summary>
    /// <exception cref="SettingsException">The embedding model cannot be loaded.</exception>
    public static void UseSidecar(this WebApplication app)
    {
        // Loaded here, where a failure is a message, and not in the middle of the start, where it is a stack trace.
        _ = app.Services.GetService<IEmbeddingGenerator<string, Embedding<float>>>();
        SidecarSettings settings = app.Services.GetRequiredService<SidecarSettings>();
        ILogger logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(LogCategory);
        foreach (string variable in settings.UnknownVariables)
        {
            logger.UnknownVariable(variable);
        }

        RejectedRequests.Observe(app.Services);
        if (settings.Http.ApiKeys.Count == 0)
        {
            app.Use(new HostCheck(settings.Sidecar.AllowedHosts).InvokeAsync);
        }

        // Said here, since the host would do it before the check.
        app.UseRouting();
        if (settings.Sidecar.AllowedOrigins.Count > 0)
        {
            app.UseCors();
        }

        if (settings.Http.ApiKeys.Count == 0 && settings.Sidecar.AllowedHosts.Count == 0 && !ListenAddress.Parse(settings.Sidecar.ServerHost).IsLoopback)
        {
            logger.OnlyLoopbackHosts(settings.Sidecar.ServerHost, HostCheck.Served);
        }

        IServerAddressesFeature? addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>();
        app.Lifetime.ApplicationStarted.Register(() => logger.Listening(
            string.Join(", ", addresses?.Addresses ?? []), Path.GetFullPath(settings.Host.DataDirectory), settings.Sidecar.EmbeddingProvider));
        app.Lifetime.ApplicationStopping.Register(() => logger.Stopping());
        app.Services.GetRequiredService<OpenConnections>().EndAfter(app.Lifetime.ApplicationStopping, TimeSpan.FromSeconds(ConnectionStopSeconds));
        app.Lifetime.ApplicationStopped.Register(() => logger.Stopped());
    }

    private static void SetLimits(KestrelServerLimits limits, SidecarSettings settings)
    {
        // The adapter has the same rates for what it reads and sends itself; these are for the rest.
        TimeSpan grace = TimeSpan.FromSeconds(settings.Http.TransferGraceSeconds + 2);
        limits.MinRequestBodyDataRate = settings.Http.MinBodyBytesPerSecond == 0 ? null : new MinDataRate(settings.Http.MinBodyBytesPerSecond, grace);
        limits.MinResponseDataRate = settings.Http.MinAnswerBytesPerSecond == 0 ? null : new MinDataRate(settings.Http.MinAnswerBytesPerSecond, grace);
        limits.MaxConcurrentConnections = settings.Sidecar.MaxConnections;
        limits.MaxRequestBufferSize = MaxRequestBufferBytes;
    }

    private static void AddServices(IServiceCollection services, SidecarSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton<SidecarDialect>();
        services.Configure<MoorchehHttpOptions>(settings.CopyTo);
        services.AddMoorcheh(host => settings.CopyTo(host));
        services.AddMoorchehDocuments(settings.CopyTo);
        if (settings.Sidecar.EmbeddingProvider != EmbedderFactory.None)
        {
            services.AddSingleton(provider => EmbedderFactory.Create(
                settings.Sidecar, settings.Store, provider.GetRequiredService<ILoggerFactory>().CreateLogger(LogCategory)));
        }

        if (settings.Sidecar.AllowedOrigins.Count > 0)
        {
            services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
                .WithOrigins([.. settings.Sidecar.AllowedOrigins])
                .AllowAnyHeader()
                .AllowAnyMethod()
                .WithExposedHeaders("Location", "Retry-After", "Allow")));
        }
    }
}
