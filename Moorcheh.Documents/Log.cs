using Microsoft.Extensions.Logging;
using Moorcheh.Documents.RabbitMq;

namespace Moorcheh.Documents;

/// <summary>Every message of this package. Ids: 1200-1299 message broker.</summary>
internal static partial class Log
{
    [LoggerMessage(1200, LogLevel.Information, "Connected to the message broker {Address}")]
    public static partial void BrokerConnected(this ILogger logger, BrokerAddress address);

    [LoggerMessage(1201, LogLevel.Warning, "The connection to the message broker {Address} is lost")]
    public static partial void BrokerLost(this ILogger logger, BrokerAddress address);

    [LoggerMessage(1202, LogLevel.Warning, "The message broker {Address} cannot be used: {Reason}. Messages wait; tried again in {Seconds} s")]
    public static partial void BrokerUnreachable(this ILogger logger, BrokerAddress address, string reason, double seconds);
}
