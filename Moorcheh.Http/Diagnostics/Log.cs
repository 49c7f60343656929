using Moorcheh.Http.Artifacts;

namespace Moorcheh.Http.Diagnostics;

/// <summary>Every message of the adapter and the sidecar. Ids: 1000-1099 requests, 1100-1199 sidecar, 1200-1299 message broker.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Error, "{Method} {Path} failed, reference {Reference}")]
    public static partial void RequestFailed(this ILogger logger, string method, string path, string reference, Exception exception);

    [LoggerMessage(1001, LogLevel.Error, "{Method} {Path} failed in the middle of its answer; the connection was ended")]
    public static partial void AnswerBroken(this ILogger logger, string method, string path, Exception exception);

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

    [LoggerMessage(1200, LogLevel.Information, "Connected to the message broker {Address}")]
    public static partial void BrokerConnected(this ILogger logger, BrokerAddress address);

    [LoggerMessage(1201, LogLevel.Warning, "The connection to the message broker {Address} is lost")]
    public static partial void BrokerLost(this ILogger logger, BrokerAddress address);

    [LoggerMessage(1202, LogLevel.Warning, "The message broker {Address} cannot be used: {Reason}. Messages wait; tried again in {Seconds} s")]
    public static partial void BrokerUnreachable(this ILogger logger, BrokerAddress address, string reason, double seconds);
}
