using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>Where a part of an upload's payload is in the journal.</summary>
/// <param name="Address">Address of the <see cref="JournalEntryType.UploadChunk"/> entry.</param>
/// <param name="First">Index in the batch of its first entry.</param>
internal readonly record struct ChunkReference(long Address, int First)
{
    public static void WriteAll(ByteWriter writer, IReadOnlyList<ChunkReference> chunks)
    {
        writer.Int32(chunks.Count);
        foreach (ChunkReference chunk in chunks)
        {
            writer.Int64(chunk.Address);
            writer.Int32(chunk.First);
        }
    }

    public static ChunkReference[] ReadAll(ref ByteReader reader)
    {
        var chunks = new ChunkReference[reader.Int32()];
        for (int i = 0; i < chunks.Length; i++)
        {
            chunks[i] = new ChunkReference(reader.Int64(), reader.Int32());
        }

        return chunks;
    }
}
