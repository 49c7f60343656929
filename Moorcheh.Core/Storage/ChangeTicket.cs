namespace Moorcheh.Storage;

/// <summary>
/// What may be said of a change whose caller waits no longer. Until its entry is appended nothing has happened, and nothing will when the caller is told so.
/// From then on the entry may reach the disk at any moment, also one that the process does not live to see. Safe for use from several threads.
/// </summary>
internal sealed class ChangeTicket
{
    private const int Waiting = 0;
    private const int Begun = 1;
    private const int GivenUp = 2;

    private readonly Dictionary<string, object> _facts = [];
    private int _state;

    /// <summary>True once the entry may be in the journal.</summary>
    public bool IsBegun => Volatile.Read(ref _state) == Begun;

    /// <summary>Call it right before the entry is appended.</summary>
    /// <param name="jobId">Whose status tells the outcome later; null when there is no such job.</param>
    /// <param name="namespaceName">Of that job.</param>
    /// <exception cref="OperationCanceledException">The caller was told that nothing was stored.</exception>
    public void Begin(string? jobId = null, string? namespaceName = null)
    {
        if (jobId is not null)
        {
            _facts["JobId"] = jobId;
            _facts["NamespaceName"] = namespaceName!;
        }

        if (Interlocked.CompareExchange(ref _state, Begun, Waiting) == GivenUp)
        {
            throw new OperationCanceledException();
        }
    }

    /// <summary>Makes sure that the change will not begin; false when it has begun.</summary>
    public bool TryGiveUp() => Interlocked.CompareExchange(ref _state, GivenUp, Waiting) != Begun;

    /// <summary>What the caller of a change that has begun is told when it cannot be told more.</summary>
    public MoorchehException Unknown(string reason, Exception cause) => new(
        ErrorCodes.OutcomeUnknown,
        $"The outcome is not known yet ({reason.TrimEnd('.')}): the request is carried out once it is on disk"
        + (_facts.TryGetValue("JobId", out object? job) ? $"; the status of job '{job}' tells." : "."),
        cause)
    {
        Facts = _facts,
    };
}
