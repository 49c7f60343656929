namespace Moorcheh;

/// <summary>State of a job. There is no way back from <see cref="Completed"/> or <see cref="Failed"/>.</summary>
public enum JobState
{
    /// <summary>Accepted; waiting for its turn or being worked on.</summary>
    Running,

    /// <summary>Finished. An upload job ends here even when every item failed; see its counters.</summary>
    Completed,

    /// <summary>A delete job that could not remove everything.</summary>
    Failed,
}
