namespace Moorcheh.Artifacts;

/// <summary>How documents become artifacts, and what is said of it; part of <see cref="MoorchehOptions"/>.</summary>
public sealed class ArtifactOptions
{
    /// <summary>Readers of documents besides the built-in ones of <c>.txt</c>, <c>.md</c>, <c>.csv</c> and <c>.json</c>; they come first.</summary>
    public IList<IDocumentReader> Readers { get; } = [];

    /// <summary>Fetches what ingests name by an address. Null (default): such an ingest fails.</summary>
    public IUriReader? UriReader { get; set; }

    /// <summary>Most tokens of a chunk, 32 to 8192; 384 by default.</summary>
    public int ChunkTokens { get; set; } = 384;

    /// <summary>Most chunks of an artifact, 1 to 200,000; 10,000 by default.</summary>
    public int MaxChunks { get; set; } = 10_000;

    /// <summary>Tasks worked on at once, 1 to 64; 4 by default. Those on one artifact run one after the other.</summary>
    public int Workers { get; set; } = 4;

    /// <summary>Most unfinished tasks, 1 or more; 1,000 by default. Deletes are never refused for this, but for <see cref="MaxPendingDeletes"/>.</summary>
    public int MaxPendingTasks { get; set; } = 1000;

    /// <summary>Most unfinished deletes, 1 or more; 10,000 by default.</summary>
    public int MaxPendingDeletes { get; set; } = 10_000;

    /// <summary>Most bytes that the callbacks of unfinished tasks may take in memory, 1 or more; 64 MiB by default. One alone is always taken.</summary>
    public long MaxPendingCallbackBytes { get; set; } = 64L << 20;

    /// <summary>
    /// Sends the messages that tasks are asked for. Null (default): they are dropped, each with a warning in the log. The store does not dispose it.
    /// </summary>
    public ICallbackPublisher? CallbackPublisher { get; set; }

    /// <summary>How long it is tried to send a message, from an hour to 365 days; a day by default. Then it is dropped.</summary>
    public TimeSpan CallbackRetention { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Messages that may wait to be sent, 1 or more; 100,000 by default. When there are as many, those that tell of progress are dropped; those that
    /// tell how a task ended are kept all the same, and once there are twice as many of those, a task that wants messages is refused with
    /// <see cref="ErrorCodes.QueueFull"/>.
    /// </summary>
    public int MaxWaitingCallbacks { get; set; } = 100_000;

    internal void Validate()
    {
        OptionRule.InRange("Artifacts.ChunkTokens", ChunkTokens, 32, 8192);
        OptionRule.InRange("Artifacts.MaxChunks", MaxChunks, 1, 200_000);
        OptionRule.InRange("Artifacts.Workers", Workers, 1, 64);
        OptionRule.AtLeast("Artifacts.MaxPendingTasks", MaxPendingTasks, 1);
        OptionRule.AtLeast("Artifacts.MaxPendingDeletes", MaxPendingDeletes, 1);
        OptionRule.AtLeast("Artifacts.MaxPendingCallbackBytes", MaxPendingCallbackBytes, 1);
        OptionRule.InRange("Artifacts.CallbackRetention", CallbackRetention, TimeSpan.FromHours(1), TimeSpan.FromDays(365));
        OptionRule.AtLeast("Artifacts.MaxWaitingCallbacks", MaxWaitingCallbacks, 1);
    }
}
