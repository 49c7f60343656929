using Moorcheh.Artifacts;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A part of what an ingest reads: job id (16 bytes), bytes (length 4). It precedes the acceptance.</summary>
internal static class ArtifactPayload
{
    public const int PartBytes = 1 << 20;

    public static void Write(ByteWriter writer, Guid jobId, ReadOnlySpan<byte> part)
    {
        writer.Clear();
        writer.Guid(jobId);
        writer.Bytes(part);
    }

    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        reader.Guid();
        return reader.Bytes();
    }
}

/// <summary>
/// A task on an artifact is accepted: an ingest, whose payload precedes this entry, or a delete. The ingests that a delete revokes end here.
/// </summary>
internal sealed record ArtifactTaskAccepted(
    Guid JobId, bool IsIngest, bool IsSync, DateTimeOffset At, string Collection, string Artifact, IReadOnlyList<Guid> Revoked)
{
    public ArtifactInputKind InputKind { get; init; }

    public string FileName { get; init; } = string.Empty;

    public ItemMetadata Metadata { get; init; } = ItemMetadata.Empty;

    /// <summary>Addresses of the parts of the payload, in order.</summary>
    public IReadOnlyList<long> Parts { get; init; } = [];

    public int PayloadBytes { get; init; }

    public ArtifactCallback? Callback { get; init; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Byte((byte)((IsIngest ? 1 : 0) | (IsSync ? 2 : 0) | (Callback is null ? 0 : 4)));
        writer.Time(At);
        writer.String(Collection);
        writer.String(Artifact);
        writer.Int32(Revoked.Count);
        foreach (Guid revoked in Revoked)
        {
            writer.Guid(revoked);
        }

        writer.Byte((byte)InputKind);
        writer.String(FileName);
        writer.Bytes(Metadata.Utf8Json.Span);
        writer.Int32(Parts.Count);
        foreach (long part in Parts)
        {
            writer.Int64(part);
        }

        writer.Int32(PayloadBytes);
        if (Callback is not null)
        {
            writer.String(Callback.Exchange);
            writer.OptionalString(Callback.RoutingKeyDone);
            writer.OptionalString(Callback.RoutingKeyProgress);
            writer.OptionalString(Callback.RoutingKeyError);
            writer.OptionalString(Callback.Properties?.ToString());
        }
    }

    public static ArtifactTaskAccepted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid jobId = reader.Guid();
        byte flags = reader.Byte();
        DateTimeOffset at = reader.Time();
        string collection = reader.String();
        string artifact = reader.String();
        var revoked = new Guid[reader.Int32()];
        for (int i = 0; i < revoked.Length; i++)
        {
            revoked[i] = reader.Guid();
        }

        var inputKind = (ArtifactInputKind)reader.Byte();
        string fileName = reader.String();
        ItemMetadata metadata = ItemMetadata.FromStored(reader.Bytes());
        long[] parts = new long[reader.Int32()];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = reader.Int64();
        }

        return new ArtifactTaskAccepted(jobId, (flags & 1) != 0, (flags & 2) != 0, at, collection, artifact, revoked)
        {
            InputKind = inputKind,
            FileName = fileName,
            Metadata = metadata,
            Parts = parts,
            PayloadBytes = reader.Int32(),
            Callback = (flags & 4) == 0
                ? null
                : new ArtifactCallback(reader.String())
                {
                    RoutingKeyDone = reader.OptionalString(),
                    RoutingKeyProgress = reader.OptionalString(),
                    RoutingKeyError = reader.OptionalString(),
                    Properties = reader.OptionalString() is { } json ? ItemMetadata.FromStored(System.Text.Encoding.UTF8.GetBytes(json)) : null,
                },
        };
    }
}

/// <summary>
/// An ingest succeeds: the chunks, which precede this entry as <see cref="JournalEntryType.UploadChunk"/> entries, take the place of an earlier
/// version of the artifact in one step.
/// </summary>
/// <param name="JobId">The task.</param>
/// <param name="Incarnation">The namespace.</param>
/// <param name="Created">True when the namespace begins to exist here.</param>
/// <param name="At">The time of storing.</param>
/// <param name="DocMetadata">Of the artifact; its chunks have it too, with their index and count.</param>
/// <param name="Embedder">Made the vectors.</param>
/// <param name="Parts">Addresses of the chunks' entries.</param>
/// <param name="ChunkCount">Chunks in all of them.</param>
internal sealed record ArtifactStored(
    Guid JobId, Guid Incarnation, bool Created, DateTimeOffset At, ItemMetadata DocMetadata, EmbedderFingerprint Embedder, IReadOnlyList<long> Parts, int ChunkCount)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Byte(Created ? (byte)1 : (byte)0);
        writer.Time(At);
        writer.Bytes(DocMetadata.Utf8Json.Span);
        UploadProgress.WriteEmbedder(writer, Embedder);
        writer.Int32(Parts.Count);
        foreach (long part in Parts)
        {
            writer.Int64(part);
        }

        writer.Int32(ChunkCount);
    }

    public static ArtifactStored Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid jobId = reader.Guid();
        Guid incarnation = reader.Guid();
        bool created = reader.Byte() != 0;
        DateTimeOffset at = reader.Time();
        ItemMetadata metadata = ItemMetadata.FromStored(reader.Bytes());
        EmbedderFingerprint embedder = UploadProgress.ReadEmbedder(ref reader) ?? throw new InvalidDataException("An artifact has no embedder.");
        long[] parts = new long[reader.Int32()];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = reader.Int64();
        }

        return new ArtifactStored(jobId, incarnation, created, at, metadata, embedder, parts, reader.Int32());
    }
}

/// <summary>A delete succeeds: the artifact and its chunks are gone from here on.</summary>
internal readonly record struct ArtifactRemoved(Guid JobId, Guid Incarnation, DateTimeOffset At)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Guid(Incarnation);
        writer.Time(At);
    }

    public static ArtifactRemoved Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ArtifactRemoved(reader.Guid(), reader.Guid(), reader.Time());
    }
}

/// <summary>A task ends without changing an artifact: it failed, there was nothing to do, or what it was to delete was only being ingested.</summary>
internal readonly record struct ArtifactTaskEnded(Guid JobId, DateTimeOffset At, string? ErrorCode, string? Error)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Time(At);
        writer.OptionalString(ErrorCode);
        writer.OptionalString(Error);
    }

    public static ArtifactTaskEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ArtifactTaskEnded(reader.Guid(), reader.Time(), reader.OptionalString(), reader.OptionalString());
    }
}
