namespace Moorcheh.Artifacts.Tasks;

/// <summary>Parts of a task that messages of progress tell of. The numbers are on disk; never reuse one.</summary>
internal enum CallbackStep : byte
{
    Validation = 0,
    Parse = 1,
    Storage = 2,
    Deletion = 3,
}
