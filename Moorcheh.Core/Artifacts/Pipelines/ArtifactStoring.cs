using System.Text;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Stores what an ingest made in one step, together with its namespace when there is none yet.</summary>
internal sealed class ArtifactStoring(StoreState state, NamespaceCreation namespaces, ChangeLog log, MoorchehOptions options)
{
    /// <summary>Stores an artifact.</summary>
    /// <param name="task">The ingest.</param>
    /// <param name="stored">The change, without its time and namespace.</param>
    /// <param name="embedder">Made the vectors.</param>
    /// <param name="places">Kept for new items; those of the artifact from the change on.</param>
    /// <param name="stopping">The store is closing.</param>
    /// <param name="stop">The ingest is to stop; looked at until it is in the journal.</param>
    public async Task StoreAsync(
        ArtifactTaskEntry task, ArtifactStored stored, Embedder embedder, PlaceReservation places, CancellationToken stopping, CancellationToken stop)
    {
        while (!await TryStoreAsync(task, stored, embedder, places, stopping, stop).ConfigureAwait(false))
        {
            // The namespace came or went meanwhile.
        }
    }

    /// <summary>Throws unless artifacts of an embedder may be stored in a namespace; null when it is yet to come.</summary>
    public static void Check(NamespaceEntry? entry, Embedder embedder)
    {
        if (entry is null)
        {
            return;
        }

        ArtifactAcceptor.CheckKind(entry);
        if (entry.State != NamespaceState.Active)
        {
            throw new MoorchehException(ErrorCodes.NamespaceDeleting, $"Namespace '{entry.Name}' was deleted.");
        }

        if (entry.BoundEmbedder is { } bound && !embedder.Matches(bound))
        {
            throw embedder.Mismatch(entry.Name, bound);
        }
    }

    /// <summary>How many of the chunks are new items: an earlier version, or a plain item of that id, has its place already.</summary>
    public static int CountNew(NamespaceEntry? entry, ArtifactKey key, int chunkCount)
    {
        if (entry is null || entry.Index.Count == 0)
        {
            return chunkCount;
        }

        return Enumerable.Range(0, chunkCount).Count(i => entry.Index.FindRecord(Encoding.UTF8.GetBytes(key.ChunkId(i))) < 0);
    }

    private async Task<bool> TryStoreAsync(
        ArtifactTaskEntry task, ArtifactStored stored, Embedder embedder, PlaceReservation places, CancellationToken stopping, CancellationToken stop)
    {
        string collection = task.Status.Namespace;
        if (state.Find(collection) is not { } entry)
        {
            return await namespaces.TryCreateWithinAsync(
                collection, created => CreateAsync(task, created, stored, places, stopping), stop).ConfigureAwait(false);
        }

        return await log.RunAsync(entry, () => StoreInAsync(task, entry, stored, embedder, places), stop).ConfigureAwait(false);
    }

    /// <summary>Stores the artifact in a namespace that is there. Called inside a change of it.</summary>
    /// <returns>False when it went meanwhile.</returns>
    private async Task<bool> StoreInAsync(ArtifactTaskEntry task, NamespaceEntry entry, ArtifactStored stored, Embedder embedder, PlaceReservation places)
    {
        if (state.Find(entry.Name) != entry)
        {
            return false;
        }

        Check(entry, embedder);
        int added = CountNew(entry, task.Key, stored.ChunkCount);
        places.Set(added);
        stored = stored with { Incarnation = entry.Incarnation, At = options.TimeProvider.GetUtcNow(), Places = added };
        Append(task, entry, stored);
        places.Keep();
        await log.CarryOutAsync(entry, [stored]).ConfigureAwait(false);
        return true;
    }

    /// <summary>Stores the artifact together with the namespace that begins to exist with it. Called inside the gate.</summary>
    private async Task CreateAsync(ArtifactTaskEntry task, NamespaceEntry entry, ArtifactStored stored, PlaceReservation places, CancellationToken stopping)
    {
        places.Set(stored.ChunkCount);
        stored = stored with { Incarnation = entry.Incarnation, Created = true, At = entry.CreatedAt, Namespace = entry, Places = stored.ChunkCount };
        Append(task, entry, stored);
        places.Keep();
        await log.InsistAsync(stopping).ConfigureAwait(false);
        try
        {
            await log.ApplyAsync(stored).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The journal has it as a whole; the state gets to know the namespace so that no checkpoint is taken without it.
            ChangeLog.Stop(entry, e);
            state.Restore(entry);
            throw;
        }
    }

    /// <summary>Journals the end of the ingest, unless something else has ended it or may.</summary>
    private void Append(ArtifactTaskEntry task, NamespaceEntry entry, ArtifactStored stored)
    {
        lock (state.Artifacts.Lock)
        {
            if (!task.MayEnd)
            {
                throw new OperationCanceledException();
            }

            log.Append(stored);
            task.IsEnding = true;
            task.Unfinished = () => log.FinishAsync(entry);
        }
    }
}
