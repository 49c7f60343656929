namespace Moorcheh.Callbacks.Messages;

/// <summary>How the delivery of a message ended. The numbers are on disk; never reuse one.</summary>
internal enum CallbackResult : byte
{
    Sent = 1,
    Dropped = 2,
    Expired = 3,
}
