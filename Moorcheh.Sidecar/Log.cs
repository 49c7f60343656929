namespace Moorcheh.Sidecar;

/// <summary>Every message of the sidecar. Ids: 1100-1199.</summary>
internal static partial class Log
{
    [LoggerMessage(1100, LogLevel.Information, "Listening on {Addresses}, data in {Directory}, embedding provider {Provider}")]
    public static partial void Listening(this ILogger logger, string addresses, string directory, string provider);

    [LoggerMessage(1101, LogLevel.Information, "Stopping: running requests and jobs come to a safe point")]
    public static partial void Stopping(this ILogger logger);

    [LoggerMessage(1102, LogLevel.Information, "Stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(1103, LogLevel.Warning, "Environment variable {Variable} is not a setting of this server")]
    public static partial void UnknownVariable(this ILogger logger, string variable);

    [LoggerMessage(1104, LogLevel.Warning, "Listening on {ServerHost} without an API key, but AllowedHosts is empty: served are only {Served}")]
    public static partial void OnlyLoopbackHosts(this ILogger logger, string serverHost, string served);

    [LoggerMessage(1105, LogLevel.Warning, "Embedding provider {Provider} is away: {Error}. It is asked again every few seconds; searches of texts fail meanwhile")]
    public static partial void ProviderAway(this ILogger logger, string provider, string error);

    [LoggerMessage(1106, LogLevel.Information, "Embedding provider {Provider} answers again")]
    public static partial void ProviderBack(this ILogger logger, string provider);

    [LoggerMessage(1107, LogLevel.Warning, "EmbeddingApiKey is sent to {Host} over plain HTTP, where others may read it")]
    public static partial void KeyInClear(this ILogger logger, string host);
}
