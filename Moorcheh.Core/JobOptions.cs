namespace Moorcheh;

/// <summary>How uploads and namespace deletes are carried out; part of <see cref="MoorchehOptions"/>.</summary>
public sealed class JobOptions
{
    /// <summary>
    /// Jobs worked on at once, 1 to 64; 4 by default: as many in namespaces of texts, and as many in those of vectors, which so do not wait
    /// for an embedder. Jobs of one namespace run one after the other.
    /// </summary>
    public int Workers { get; set; } = 4;

    /// <summary>Most unfinished jobs, 1 or more; 1,000 by default. Namespace deletes are never refused for this.</summary>
    public int MaxPending { get; set; } = 1000;

    /// <summary>Most payload bytes of unfinished uploads, 1 or more; 2 GiB by default. They wait on disk, not in memory.</summary>
    public long MaxPendingBytes { get; set; } = 2L << 30;

    /// <summary>Tries of a failing storage call in a namespace delete, 1 or more; 5 by default. Pauses of 0.2 s doubling are between them.</summary>
    public int DeleteAttempts { get; set; } = 5;

    /// <summary>How long a finished job can still be read, up to 36,500 days; 7 days by default.</summary>
    public TimeSpan FinishedRetention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Most finished jobs kept, tasks on artifacts included, 0 or more; 10,000 by default. The oldest goes when one more finishes.</summary>
    public int MaxFinished { get; set; } = 10_000;

    internal void Validate()
    {
        OptionRule.InRange("Jobs.Workers", Workers, 1, 64);
        OptionRule.AtLeast("Jobs.MaxPending", MaxPending, 1);
        OptionRule.AtLeast("Jobs.MaxPendingBytes", MaxPendingBytes, 1);
        OptionRule.AtLeast("Jobs.DeleteAttempts", DeleteAttempts, 1);
        OptionRule.InRange("Jobs.FinishedRetention", FinishedRetention, TimeSpan.Zero, TimeSpan.FromDays(36_500));
        OptionRule.AtLeast("Jobs.MaxFinished", MaxFinished, 0);
    }
}
