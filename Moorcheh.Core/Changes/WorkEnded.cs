using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A process ended while something was worked on, as an opening found.</summary>
/// <param name="Work">What was worked on.</param>
/// <param name="Ends">How often in a row, without that it came further.</param>
internal sealed record WorkEnded(WorkKey Work, int Ends) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)19;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Byte((byte)Work.Kind);
        writer.Guid(Work.Id);
        writer.Int32(Work.Number);
        writer.Int32(Ends);
    }

    public static WorkEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return Read(ref reader);
    }

    public static WorkEnded Read(ref ByteReader reader) => new(new WorkKey((WorkKind)reader.Byte(), reader.Guid(), reader.Int32()), reader.Int32());

    /// <summary>As <see cref="ApplyAsync"/>, of what a checkpoint has.</summary>
    public void Apply(StoreState state)
    {
        switch (Work.Kind)
        {
            case WorkKind.Job when state.Jobs.Find(Work.Id) is { } job:
                job.ProcessEnds = Ends;
                break;
            case WorkKind.Callback when state.Outbox.Find(Work.Id, Work.Number) is { } message:
                message.ProcessEnds = Ends;
                break;
            case WorkKind.Index when state.Find(Work.Id) is { } entry:
                entry.TidyEnds = Ends;
                break;
        }
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        Apply(context.State);
        return ValueTask.CompletedTask;
    }

    /// <summary>Processes in a row that ended while something was worked on; null when there is nothing left to do of it.</summary>
    public static int? FindEnds(StoreState state, in WorkKey work) => work.Kind switch
    {
        WorkKind.Job => state.Jobs.Find(work.Id) is { IsFinished: false } job ? job.ProcessEnds : null,
        WorkKind.Callback => state.Outbox.Find(work.Id, work.Number)?.ProcessEnds,
        WorkKind.Index => state.Find(work.Id)?.TidyEnds,
        _ => null,
    };

    /// <summary>Everything that processes have ended with and that is not over.</summary>
    public static IEnumerable<WorkEnded> All(StoreState state) =>
    [
        .. state.Jobs.All.Where(job => job is { IsFinished: false, ProcessEnds: > 0 }).Select(job => new WorkEnded(job.Work, job.ProcessEnds)),
        .. state.Outbox.List().Where(one => one.Message.ProcessEnds > 0).Select(one => new WorkEnded(one.Message.Work, one.Message.ProcessEnds)),
        .. state.Namespaces.Where(entry => entry.TidyEnds > 0).Select(entry => new WorkEnded(new WorkKey(WorkKind.Index, entry.Incarnation), entry.TidyEnds)),
    ];
}
