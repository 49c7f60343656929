namespace Moorcheh.Jobs;

/// <summary>Which lists have a job.</summary>
internal enum JobVisibility
{
    /// <summary>Those of all kinds and of its own.</summary>
    Listed,

    /// <summary>Only those of its own kind.</summary>
    ListedByKind,

    /// <summary>None, because nobody knows its id but who waits for it; nor is it kept once it has finished.</summary>
    Hidden,
}
