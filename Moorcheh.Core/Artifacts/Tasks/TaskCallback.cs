namespace Moorcheh.Artifacts.Tasks;

/// <summary>Where the messages about an unfinished task go, and what they have said so far. Guarded by <see cref="Lock"/>.</summary>
internal sealed class TaskCallback(bool isIngest)
{
    /// <summary>A percentage of 100, in hundredths.</summary>
    public const int Whole = 10_000;

    private const int NothingSaid = -1;

    private static readonly ArtifactCallback Nowhere = new(string.Empty);

    private readonly int[] _said = [NothingSaid, NothingSaid, NothingSaid, NothingSaid];

    public Lock Lock { get; } = new();

    /// <summary>Kept in the journal with the acceptance of the task, from where an opening takes it. Empty once the task has ended.</summary>
    public ArtifactCallback Target { get; set; } = Nowhere;

    /// <summary>Number of the last message that was made, from 1.</summary>
    public int LastNumber { get; private set; }

    /// <summary>Timestamp of the last message of progress since the store was opened.</summary>
    public long SaidAt { get; set; }

    /// <summary>True once the task has ended: nothing more is said.</summary>
    public bool IsClosed { get; set; }

    private CallbackStep First => isIngest ? CallbackStep.Validation : CallbackStep.Deletion;

    private CallbackStep Last => isIngest ? CallbackStep.Storage : CallbackStep.Deletion;

    /// <summary>True when progress is wanted: of a delete only when its routing key is given.</summary>
    public bool WantsProgress => isIngest || Target.RoutingKeyProgress is not null;

    /// <summary>True when a percentage is more than what was said of a step, and no later step was spoken of.</summary>
    public bool IsNews(CallbackStep step, int hundredths) =>
        hundredths > _said[(int)step] && _said.AsSpan((int)step + 1).IndexOfAnyExcept(NothingSaid) < 0;

    /// <summary>Notes a message of progress; one that was noted before changes nothing.</summary>
    public void Say(int number, CallbackStep step, int hundredths)
    {
        LastNumber = Math.Max(LastNumber, number);
        _said[(int)step] = Math.Max(_said[(int)step], hundredths);
    }

    /// <summary>Nothing more is said: finished tasks are kept for days, and what the caller gave may be large.</summary>
    public void Forget() => Target = Nowhere;

    /// <summary>Notes a message without progress.</summary>
    /// <returns>Its number.</returns>
    public int Next() => ++LastNumber;

    /// <summary>
    /// What is left to say when the task succeeds: each step from the current one on begins and ends. A function of what the journal has,
    /// so that replay gives the same numbers.
    /// </summary>
    public IEnumerable<(CallbackStep Step, int Hundredths)> Rest()
    {
        for (CallbackStep step = First; step <= Last; step++)
        {
            foreach (int hundredths in (int[])[0, Whole])
            {
                if (IsNews(step, hundredths))
                {
                    yield return (step, hundredths);
                }
            }
        }
    }

    public void Write(Storage.ByteWriter writer)
    {
        writer.Int32(LastNumber);
        foreach (int hundredths in _said)
        {
            writer.Int32(hundredths);
        }
    }

    public void Read(ref Storage.ByteReader reader)
    {
        LastNumber = reader.Int32();
        for (int i = 0; i < _said.Length; i++)
        {
            _said[i] = reader.Int32();
        }
    }
}
