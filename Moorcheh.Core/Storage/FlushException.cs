using System.Runtime.InteropServices;

namespace Moorcheh.Storage;

/// <summary>
/// The system could not make something durable. It says so once only: what was written since the last flush that succeeded may be lost though the next one
/// succeeds, and must be written anew.
/// </summary>
internal sealed class FlushException : IOException
{
    /// <param name="path">The file or directory.</param>
    /// <param name="error">Of the system.</param>
    public FlushException(string path, int error)
        : base($"Flushing '{path}' to disk failed: {Marshal.GetPInvokeErrorMessage(error)} (error {error}).", error) => Error = error;

    /// <param name="message">Why what an earlier flush left open cannot be made durable either.</param>
    public FlushException(string message)
        : base(message)
    {
    }

    /// <summary>The system's number; 0 when there is none.</summary>
    public int Error { get; }
}
