using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>Every type of journal entry there is, but for the marks of page ends.</summary>
internal static class ChangeTable
{
    private static readonly Dictionary<JournalEntryType, ChangeReader?> Readers = new()
    {
        { NamespaceCreated.TypeNumber, NamespaceCreated.Read },
        { JournalEntryType.UploadChunk, null },
        { UploadAccepted.TypeNumber, UploadAccepted.Read },
        { UploadProgress.TypeNumber, UploadProgress.Read },
        { UploadEnded.TypeNumber, UploadEnded.Read },
        { ItemsDeleted.TypeNumber, ItemsDeleted.Read },
        { NamespaceDeleteStarted.TypeNumber, NamespaceDeleteStarted.Read },
        { NamespaceDeleteProgress.TypeNumber, NamespaceDeleteProgress.Read },
        { NamespaceDeleteEnded.TypeNumber, NamespaceDeleteEnded.Read },
        { UploadAborted.TypeNumber, UploadAborted.Read },
        { JournalEntryType.ArtifactPayload, null },
        { ArtifactTaskAccepted.TypeNumber, ArtifactTaskAccepted.Read },
        { ArtifactStored.TypeNumber, ArtifactStored.Read },
        { ArtifactRemoved.TypeNumber, ArtifactRemoved.Read },
        { ArtifactTaskEnded.TypeNumber, ArtifactTaskEnded.Read },
        { CallbackProgress.TypeNumber, CallbackProgress.Read },
        { CallbackEnded.TypeNumber, CallbackEnded.Read },
        { WorkEnded.TypeNumber, WorkEnded.Read },
        { ItemDeleteAccepted.TypeNumber, ItemDeleteAccepted.Read },
        { ItemDeleteProgress.TypeNumber, ItemDeleteProgress.Read },
        { ItemPatched.TypeNumber, ItemPatched.Read },
        { ReembedAccepted.TypeNumber, ReembedAccepted.Read },
        { ReembedProgress.TypeNumber, ReembedProgress.Read },
        { ReembedRestarted.TypeNumber, ReembedRestarted.Read },
        { ReembedSwitched.TypeNumber, ReembedSwitched.Read },
        { ReembedEnded.TypeNumber, ReembedEnded.Read },
    };

    private delegate IChange ChangeReader(ReadOnlySpan<byte> body);

    public static IReadOnlyCollection<JournalEntryType> Types => Readers.Keys;

    /// <summary>Reads an entry.</summary>
    /// <returns>Null for payload, which is read by the change that refers to it.</returns>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.UnsupportedFormat"/>: there is no such type.</exception>
    public static IChange? Read(JournalEntryType type, ReadOnlySpan<byte> body)
    {
        if (!Readers.TryGetValue(type, out ChangeReader? read))
        {
            throw new MoorchehException(ErrorCodes.UnsupportedFormat, $"The journal has an entry of type {(byte)type}, which this build does not know.")
            {
                Facts = new Dictionary<string, object> { ["Found"] = (byte)type, ["Supported"] = (byte)Types.Max() },
            };
        }

        return read?.Invoke(body);
    }
}
