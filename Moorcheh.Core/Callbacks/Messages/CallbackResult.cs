namespace Moorcheh.Callbacks.Messages;

/// <summary>How the delivery of a message ended. The numbers are on disk; never reuse one.</summary>
internal enum CallbackResult : byte
{
    Sent = 1,
    Dropped = 2,
    Expired = 3,
}

internal static class CallbackResultTags
{
    /// <summary>As <see cref="Diagnostics.MoorchehMetrics"/> counts it.</summary>
    public static string ToTag(this CallbackResult result) => result switch
    {
        CallbackResult.Sent => "sent",
        CallbackResult.Expired => "expired",
        _ => "dropped",
    };
}
