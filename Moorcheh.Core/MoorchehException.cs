namespace Moorcheh;

/// <summary>
/// Something the store refuses or cannot do. <see cref="Code"/> is stable and safe to branch on; the message names the
/// thing and both values and is meant for people.
/// </summary>
public sealed class MoorchehException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">Complete sentence for people.</param>
    /// <param name="innerException">Cause, if any.</param>
    public MoorchehException(string code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
    }

    /// <summary>Stable kebab-case code, one of <see cref="ErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>True when the same call may succeed later without any change by the caller.</summary>
    public bool IsTransient =>
        Code is ErrorCodes.QueueFull or ErrorCodes.StorageFull or ErrorCodes.StorageReadOnly or ErrorCodes.JournalFull or ErrorCodes.EmbedderFailed
            or ErrorCodes.ShuttingDown or ErrorCodes.NotReady or ErrorCodes.ItemGone;

    /// <summary>Facts behind the message, by name, in the order of <see cref="ErrorCodes"/>' description; empty if there are none.</summary>
    public IReadOnlyDictionary<string, object> Facts { get; init; } = System.Collections.Immutable.ImmutableDictionary<string, object>.Empty;
}
