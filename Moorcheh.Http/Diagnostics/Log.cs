namespace Moorcheh.Http.Diagnostics;

/// <summary>Every message of the adapter. Ids: 1000-1099 requests.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Error, "{Method} {Path} failed, reference {Reference}")]
    public static partial void RequestFailed(this ILogger logger, string method, string path, string reference, Exception exception);

    [LoggerMessage(1001, LogLevel.Error, "{Method} {Path} failed in the middle of its answer; the connection was ended")]
    public static partial void AnswerBroken(this ILogger logger, string method, string path, Exception exception);
}
