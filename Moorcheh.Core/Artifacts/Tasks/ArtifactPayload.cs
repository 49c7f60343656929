using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>A part of what an ingest reads, as it stands in the journal: job id (16 bytes), bytes (length 4). It precedes the acceptance.</summary>
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
