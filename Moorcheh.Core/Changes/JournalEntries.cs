using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A namespace exists from here on.</summary>
internal readonly record struct NamespaceCreated(Guid Incarnation, string Name, NamespaceKind Kind, int? Dimension, DateTimeOffset At)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(Incarnation);
        writer.String(Name);
        writer.Byte((byte)Kind);
        writer.Int32(Dimension ?? 0);
        writer.Time(At);
    }

    public static NamespaceCreated Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceCreated(
            reader.Guid(), reader.String(), (NamespaceKind)reader.Byte(), reader.Int32() is var d and not 0 ? d : null, reader.Time());
    }
}

/// <summary>Where a part of an upload's payload is in the journal.</summary>
/// <param name="Address">Address of the <see cref="JournalEntryType.UploadChunk"/> entry.</param>
/// <param name="First">Index in the batch of its first entry.</param>
internal readonly record struct ChunkReference(long Address, int First);

/// <summary>An upload is accepted: its chunks precede this entry, and from here on it will be carried out.</summary>
internal readonly record struct UploadAccepted(
    Guid JobId, Guid Incarnation, DateTimeOffset At, int Total, long PayloadBytes, IReadOnlyList<ChunkReference> Chunks, byte[] Reserved)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int32(Total);
        writer.Int64(PayloadBytes);
        WriteChunks(writer, Chunks);
        writer.Bytes(Reserved);
    }

    public static UploadAccepted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new UploadAccepted(
            reader.Guid(), reader.Guid(), reader.Time(), reader.Int32(), reader.Int64(), ReadChunks(ref reader), reader.Bytes().ToArray());
    }

    public static void WriteChunks(ByteWriter writer, IReadOnlyList<ChunkReference> chunks)
    {
        writer.Int32(chunks.Count);
        foreach (ChunkReference chunk in chunks)
        {
            writer.Int64(chunk.Address);
            writer.Int32(chunk.First);
        }
    }

    public static ChunkReference[] ReadChunks(ref ByteReader reader)
    {
        var chunks = new ChunkReference[reader.Int32()];
        for (int i = 0; i < chunks.Length; i++)
        {
            chunks[i] = new ChunkReference(reader.Int64(), reader.Int32());
        }

        return chunks;
    }
}

/// <summary>An entry of an upload that could not be stored.</summary>
/// <param name="Index">Index in the batch.</param>
/// <param name="Message">Complete message, beginning with the entry's name.</param>
internal readonly record struct UploadFailure(int Index, string Message);

/// <summary>
/// The entries <c>[From, To)</c> of an upload take effect here: each is stored, unless it is among the failures or stands in for a
/// later entry of the same id. Texts bring the vectors they were embedded to, so that nothing is embedded twice.
/// </summary>
/// <param name="JobId">The upload.</param>
/// <param name="From">First entry.</param>
/// <param name="To">First entry after it.</param>
/// <param name="At">The time of storing.</param>
/// <param name="Failures">In order of index.</param>
/// <param name="Embedder">Set when any text was embedded.</param>
/// <param name="Vectors">The vectors of the stored texts, in order, one after the other.</param>
internal readonly record struct UploadProgress(
    Guid JobId, int From, int To, DateTimeOffset At, IReadOnlyList<UploadFailure> Failures, EmbedderFingerprint? Embedder, ReadOnlyMemory<float> Vectors)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Int32(From);
        writer.Int32(To);
        writer.Time(At);
        writer.Int32(Failures.Count);
        foreach (UploadFailure failure in Failures)
        {
            writer.Int32(failure.Index);
            writer.String(failure.Message);
        }

        WriteEmbedder(writer, Embedder);
        writer.Floats(Vectors.Span);
    }

    public static UploadProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid job = reader.Guid();
        int from = reader.Int32();
        int to = reader.Int32();
        DateTimeOffset at = reader.Time();
        var failures = new UploadFailure[reader.Int32()];
        for (int i = 0; i < failures.Length; i++)
        {
            failures[i] = new UploadFailure(reader.Int32(), reader.String());
        }

        return new UploadProgress(job, from, to, at, failures, ReadEmbedder(ref reader), reader.Floats().ToArray());
    }

    public static void WriteEmbedder(ByteWriter writer, EmbedderFingerprint? embedder)
    {
        writer.Int32(embedder?.Dimension ?? 0);
        if (embedder is not null)
        {
            writer.String(embedder.Provider);
            writer.String(embedder.Model);
        }
    }

    public static EmbedderFingerprint? ReadEmbedder(ref ByteReader reader)
    {
        int dimension = reader.Int32();
        return dimension == 0 ? null : new EmbedderFingerprint(reader.String(), reader.String(), dimension);
    }
}

/// <summary>An upload ends before its last entry: the entries that are left count as failed.</summary>
internal readonly record struct UploadEnded(Guid JobId, DateTimeOffset At, string LastError, bool Cancelled)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.String(LastError);
        writer.Byte(Cancelled ? (byte)1 : (byte)0);
    }

    public static UploadEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new UploadEnded(reader.Guid(), reader.Time(), reader.String(), reader.Byte() != 0);
    }
}

/// <summary>An acceptance before this entry was taken back: there is no such job. Earlier builds wrote it.</summary>
internal readonly record struct UploadAborted(Guid JobId)
{
    public static UploadAborted Read(ReadOnlySpan<byte> body) => new(new ByteReader(body).Guid());
}

/// <summary>Items are gone from here on.</summary>
internal readonly record struct ItemsDeleted(Guid Incarnation, DateTimeOffset At, IReadOnlyList<string> Ids)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int32(Ids.Count);
        foreach (string id in Ids)
        {
            writer.String(id);
        }
    }

    public static ItemsDeleted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid incarnation = reader.Guid();
        DateTimeOffset at = reader.Time();
        string[] ids = new string[reader.Int32()];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = reader.String();
        }

        return new ItemsDeleted(incarnation, at, ids);
    }
}

/// <summary>A namespace is invisible from here on and will be removed.</summary>
internal readonly record struct NamespaceDeleteStarted(Guid JobId, Guid Incarnation, DateTimeOffset At, long TotalItems)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int64(TotalItems);
    }

    public static NamespaceDeleteStarted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceDeleteStarted(reader.Guid(), reader.Guid(), reader.Time(), reader.Int64());
    }
}

/// <summary>A namespace delete came this far.</summary>
internal readonly record struct NamespaceDeleteProgress(Guid JobId, DateTimeOffset At, long DeletedItems)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.Int64(DeletedItems);
    }

    public static NamespaceDeleteProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceDeleteProgress(reader.Guid(), reader.Time(), reader.Int64());
    }
}

/// <summary>A namespace delete is over: completed, and the name is free; or failed with an error, and the namespace stays partly deleted.</summary>
internal readonly record struct NamespaceDeleteEnded(Guid JobId, DateTimeOffset At, string? Error)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.OptionalString(Error);
    }

    public static NamespaceDeleteEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceDeleteEnded(reader.Guid(), reader.Time(), reader.OptionalString());
    }
}

/// <summary>A process ended while something was worked on, as an opening found.</summary>
/// <param name="Work">What was worked on.</param>
/// <param name="Ends">How often in a row, without that it came further.</param>
internal readonly record struct WorkEnded(WorkKey Work, int Ends)
{
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
}
