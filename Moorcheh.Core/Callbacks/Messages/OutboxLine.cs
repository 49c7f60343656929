using Moorcheh.Artifacts.Tasks;
using Moorcheh.Storage;

namespace Moorcheh.Callbacks.Messages;

/// <summary>A message that waits to be sent; its bytes are in the record store. Guarded by the outbox.</summary>
internal sealed class OutboxMessage(Guid jobId, int number, bool isFinal, DateTimeOffset madeAt)
{
    public Guid JobId { get; } = jobId;

    public int Number { get; } = number;

    /// <summary>True for the message that tells how the task ended, which is never dropped for room.</summary>
    public bool IsFinal { get; } = isFinal;

    public DateTimeOffset MadeAt { get; } = madeAt;

    public string Id => $"{ArtifactTaskEntry.Format(JobId)}:{Number}";

    public WorkKey Work => new(WorkKind.Callback, JobId, Number);

    /// <summary>True once its journal entry is known to be on disk.</summary>
    public bool IsDurable { get; set; }

    /// <summary>Processes that ended while it was sent.</summary>
    public int ProcessEnds { get; set; }

    /// <summary>True until everybody can read what it tells.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Its place among the messages that may be dropped for room; null when it may not.</summary>
    public LinkedListNode<OutboxMessage>? Droppable { get; set; }
}

/// <summary>The messages of one task that wait, in order. Guarded by the outbox.</summary>
internal sealed class OutboxLine(OutboxExchange exchange)
{
    public OutboxExchange Exchange { get; } = exchange;

    public LinkedList<OutboxMessage> Messages { get; } = [];

    /// <summary>Whose turn the line is: a turn handed out earlier with another number is void.</summary>
    public int Turn { get; set; }

    public OutboxLineState State { get; set; }

    public bool IsBeingSent { get; set; }

    /// <summary>Times in a row that the first message could not be sent.</summary>
    public int FailedAttempts { get; set; }

    /// <summary>True when sending failed since the store was opened, and nothing was sent since: only then is a message too old.</summary>
    public bool IsTried => FailedAttempts > 0 || Exchange.IsFailing;

    /// <summary>Cancelled when nothing of it is wanted any more.</summary>
    public CancellationTokenSource Revoked { get; } = new();
}

internal enum OutboxLineState
{
    /// <summary>Nobody looks after it.</summary>
    Idle,

    /// <summary>Its first message waits a moment for a commit that somebody else needs.</summary>
    Lingering,

    /// <summary>It waits for its turn, or for the end of a pause, or is being sent.</summary>
    Queued,
}

/// <summary>A line that somebody is to look after.</summary>
/// <param name="Line">The line.</param>
/// <param name="Number">See <see cref="OutboxLine.Turn"/>.</param>
/// <param name="Lingers">True when its first message is not known to be on disk yet.</param>
internal readonly record struct OutboxTurn(OutboxLine Line, int Number, bool Lingers);
