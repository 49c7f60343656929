using System.Text;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>The metadata of an artifact's chunks: that of the artifact, then <c>chunk_index</c> and <c>chunk_count</c>, which win over its own.</summary>
internal sealed class ChunkMetadata
{
    private readonly byte[] _start;
    private readonly string _end;

    public ChunkMetadata(ItemMetadata docMetadata, int chunkCount)
    {
        ItemMetadata others = ItemMetadata.FromProperties(
            docMetadata.ToElement().EnumerateObject().Where(property => property.Name is not ("chunk_index" or "chunk_count")));
        _start = [.. others.Utf8Json.Span[..^1], .. others.IsEmpty ? "\"chunk_index\":"u8 : ",\"chunk_index\":"u8];
        _end = $",\"chunk_count\":{chunkCount}}}";
    }

    /// <summary>Compact JSON, UTF-8.</summary>
    public byte[] Of(int index) => [.. _start, .. Encoding.UTF8.GetBytes($"{index}{_end}")];
}
