using Moorcheh.Jobs;

namespace Moorcheh.Changes;

/// <summary>Reads the chunks that changes refer to.</summary>
/// <param name="read">Reads the body of a <see cref="Storage.JournalEntryType.UploadChunk"/> entry.</param>
internal sealed class ChunkReader(Func<long, ReadOnlyMemory<byte>> read)
{
    private UploadChunk? _last;

    /// <summary>Reads the chunk at an address.</summary>
    public UploadChunk Read(long address) => UploadChunk.Parse(read(address));

    /// <summary>The chunk of an upload that has an entry. The last one is kept, because the upload's next step is likely to need it again.</summary>
    public UploadChunk At(UploadJobEntry job, int index)
    {
        if (_last is not { } chunk || chunk.JobId != job.Id || index < chunk.First || index >= chunk.End)
        {
            _last = chunk = Read(job.AddressOf(index));
        }

        return chunk;
    }
}
