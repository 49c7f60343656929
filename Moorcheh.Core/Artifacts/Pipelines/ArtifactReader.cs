using System.Text;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Lists and reads artifacts. What is read is one version: when it is replaced meanwhile, reading begins again with the new one.</summary>
internal sealed class ArtifactReader(StoreState state)
{
    public async Task<IReadOnlyList<ArtifactInfo>> ListAsync(string collection, CancellationToken cancellationToken)
    {
        List<ArtifactInfo> infos = [];
        if (Find(collection) is { } entry)
        {
            foreach (ArtifactEntry artifact in entry.Artifacts.Values.OrderBy(artifact => artifact.Name, StringComparer.Ordinal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (await ReadAsync(entry, artifact, ReadInfoAsync).ConfigureAwait(false) is { } info)
                {
                    infos.Add(info);
                }
            }
        }

        return infos;
    }

    public async Task<ArtifactContent?> ReadAsync(string collection, string artifact, CancellationToken cancellationToken)
    {
        var key = ArtifactKey.Of(collection, artifact);
        return Find(collection) is { } entry && entry.Artifacts.TryGetValue(key, out ArtifactEntry? found)
            ? await ReadAsync(entry, found, (of, version) => ReadContentAsync(of, version, cancellationToken)).ConfigureAwait(false)
            : null;
    }

    /// <summary>As <see cref="ReadAsync(string, string, CancellationToken)"/>, but leaves the chunks where they are and pins them.</summary>
    public async Task<OpenArtifact?> OpenAsync(string collection, string artifact, RecordSet pins)
    {
        var key = ArtifactKey.Of(collection, artifact);
        return Find(collection) is { } entry && entry.Artifacts.TryGetValue(key, out ArtifactEntry? found)
            ? await ReadAsync(entry, found, (of, version) => OpenAsync(of, version, pins)).ConfigureAwait(false)
            : null;
    }

    /// <summary>The names of the artifacts of a collection, ordinal.</summary>
    public IReadOnlyList<string> ListNames(string collection) => Find(collection) is { } entry
        ? [.. entry.Artifacts.Values.Select(artifact => artifact.Name).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>An artifact without its chunks; null when there is none.</summary>
    public async Task<ArtifactInfo?> FindAsync(string collection, string artifact) =>
        Find(collection) is { } entry && entry.Artifacts.TryGetValue(ArtifactKey.Of(collection, artifact), out ArtifactEntry? found)
            ? await ReadAsync(entry, found, ReadInfoAsync).ConfigureAwait(false)
            : null;

    /// <summary>True while an ingest of an artifact is queued or running.</summary>
    public bool IsBusy(string collection, string artifact)
    {
        lock (state.Artifacts.Lock)
        {
            return state.Artifacts.Of(ArtifactKey.Of(collection, artifact)).Any(task => task.Status.IsIngest);
        }
    }

    private NamespaceEntry? Find(string collection) =>
        state.Find(collection) is { Kind: NamespaceKind.Text, State: NamespaceState.Active } entry ? entry : null;

    /// <summary>Reads an artifact until what is read is of one version; null when it was deleted.</summary>
    private async Task<T?> ReadAsync<T>(NamespaceEntry entry, ArtifactEntry artifact, Func<NamespaceEntry, ArtifactEntry, Task<T?>> read)
        where T : class
    {
        while (true)
        {
            if (await read(entry, artifact).ConfigureAwait(false) is { } whole)
            {
                return whole;
            }

            if (!entry.Artifacts.TryGetValue(artifact.Key, out ArtifactEntry? now) || entry.State != NamespaceState.Active)
            {
                return null;
            }

            if (now == artifact)
            {
                throw new MoorchehException(ErrorCodes.StorageDamaged, $"A record of artifact '{artifact.Name}' of collection '{entry.Name}' is missing.")
                {
                    Facts = new Dictionary<string, object> { ["Where"] = $"{entry.Name}/{artifact.Name}" },
                };
            }

            artifact = now;
        }
    }

    private async Task<ArtifactInfo?> ReadInfoAsync(NamespaceEntry entry, ArtifactEntry artifact) =>
        await ArtifactRecords.FindAsync(state.Records, entry.ArtifactMetadataKey(artifact)).ConfigureAwait(false) is { } metadata
            ? new ArtifactInfo(artifact.Name, metadata)
            : null;

    private async Task<OpenArtifact?> OpenAsync(NamespaceEntry entry, ArtifactEntry artifact, RecordSet pins)
    {
        // A version's records are removed after another has taken its place: while it is in its place, all that is pinned is there, and stays.
        pins.Pin(entry.ItemKey(artifact.FirstRecord), artifact.ChunkCount);
        return entry.State == NamespaceState.Active
            && await ReadInfoAsync(entry, artifact).ConfigureAwait(false) is { } info
            && entry.Artifacts.TryGetValue(artifact.Key, out ArtifactEntry? now)
            && now == artifact
                ? new OpenArtifact(info, artifact.Key, entry.ItemKey(artifact.FirstRecord), artifact.ChunkCount, pins)
                : null;
    }

    private async Task<ArtifactContent?> ReadContentAsync(NamespaceEntry entry, ArtifactEntry artifact, CancellationToken cancellationToken)
    {
        if (await ReadInfoAsync(entry, artifact).ConfigureAwait(false) is not { } info)
        {
            return null;
        }

        var chunks = new ArtifactChunk[artifact.ChunkCount];
        for (int i = 0; i < chunks.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using RecordLease lease = await state.Records.ReadAsync(entry.ItemKey(artifact.FirstRecord + i)).ConfigureAwait(false);
            if (!lease.IsFound)
            {
                return null;
            }

            ItemRecord item = ItemRecord.Parse(lease.Body);
            chunks[i] = new ArtifactChunk(Encoding.UTF8.GetString(item.Id), Encoding.UTF8.GetString(item.Text));
        }

        return new ArtifactContent(info, artifact.Key.ToString(), chunks);
    }
}
