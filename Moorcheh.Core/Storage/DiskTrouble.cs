namespace Moorcheh.Storage;

/// <summary>Tells trouble of the disk, which passes or is somebody's to mend, from what is wrong with a job, which stays.</summary>
internal static class DiskTrouble
{
    /// <summary>The pause before what met trouble is tried again grows as after so many failures at most.</summary>
    private const int MaxDoublings = 3;

    /// <summary>
    /// True for what work of the store's own met because the disk has no room, takes no writes, or cannot be read or asked. Work waits then, and no attempt of it
    /// counts. What a caller's code throws is caught where it is called.
    /// </summary>
    public static bool Is(Exception e) =>
        e is IOException or UnauthorizedAccessException
            or MoorchehException { Code: ErrorCodes.StorageFull or ErrorCodes.StorageReadOnly or ErrorCodes.JournalFull or ErrorCodes.StorageFailed };

    /// <summary>For a pause after trouble that was met so many times in a row: trouble is over sooner than a job's own fault.</summary>
    public static int PauseOf(int times) => Math.Min(times, MaxDoublings);
}
