using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>What every kind of job has, as a checkpoint keeps it. A kind that only names its namespace has an empty incarnation.</summary>
internal readonly record struct JobHead(
    Guid Id,
    Guid Incarnation,
    string Namespace,
    JobState State,
    bool Cancelled,
    string? LastError,
    DateTimeOffset StartedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? FinishedAt)
{
    /// <summary>Of a job that is being accepted.</summary>
    public static JobHead New(Guid id, Guid incarnation, string @namespace, DateTimeOffset at) =>
        new(id, incarnation, @namespace, JobState.Running, false, null, at, at, null);

    public static JobHead Of(JobEntry job)
    {
        JobStatus status = job.Status;
        return new(
            job.Id, job.Incarnation, status.Namespace, status.State, status.Cancelled, status.LastError, status.StartedAt, status.UpdatedAt, status.FinishedAt);
    }

    public void Write(ByteWriter writer)
    {
        writer.Guid(Id);
        if (Incarnation != Guid.Empty)
        {
            writer.Guid(Incarnation);
        }

        writer.String(Namespace);
        writer.Byte((byte)State);
        writer.Byte(Cancelled ? (byte)1 : (byte)0);
        writer.OptionalString(LastError);
        writer.Time(StartedAt);
        writer.Time(UpdatedAt);
        writer.OptionalTime(FinishedAt);
    }

    /// <param name="reader">At the head.</param>
    /// <param name="hasIncarnation">False for a kind that has none.</param>
    public static JobHead Read(ref ByteReader reader, bool hasIncarnation = true) => new(
        reader.Guid(),
        hasIncarnation ? reader.Guid() : Guid.Empty,
        reader.String(),
        (JobState)reader.Byte(),
        reader.Byte() != 0,
        reader.OptionalString(),
        reader.Time(),
        reader.Time(),
        reader.OptionalTime());
}
