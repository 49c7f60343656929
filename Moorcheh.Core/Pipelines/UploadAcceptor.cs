using System.Runtime.InteropServices;
using System.Text;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Accepts uploads: validates the whole batch, keeps places below the item cap, puts the batch and the job into the journal, and
/// queues the job. Nothing is stored or started when any check fails.
/// </summary>
internal sealed class UploadAcceptor(
    StoreState state, ChangeLog log, DiskState disk, JobScheduler scheduler, Embedder? embedder, MoorchehOptions options)
{
    public Task<UploadJobEntry> AcceptAsync(string namespaceName, IReadOnlyList<Document> documents, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = state.Namespaces.Get(namespaceName);
        if (entry.Kind != NamespaceKind.Text)
        {
            throw new MoorchehException(
                ErrorCodes.WrongNamespaceType, $"Namespace '{entry.Name}' is a vector namespace; documents need a text namespace.");
        }

        CheckCount("documents", documents.Count);
        for (int i = 0; i < documents.Count; i++)
        {
            ItemRules.Check(documents[i], i, options);
            if (entry.FindOwner(Encoding.UTF8.GetBytes(documents[i].Id)) is { } owner)
            {
                throw new MoorchehException(ErrorCodes.ItemOwnedByArtifact, $"Document {i} ('{documents[i].Id}') {OwnedBy(owner)}")
                {
                    Facts = new Dictionary<string, object> { ["Artifact"] = owner.Name },
                };
            }
        }

        // What is uploaded while the namespace is embedded again waits until that is over.
        if (embedder is not null && entry.Reembedding is null && entry.BoundEmbedder is { } bound && !embedder.Matches(bound))
        {
            throw embedder.Mismatch(entry.Name, bound);
        }

        return AcceptAsync(
            entry,
            [.. documents.Select(document => document.Id)],
            documents.Sum(document => (long)document.Id.Length + document.Text.Length + (document.Metadata?.Utf8Json.Length ?? 0)),
            (writer, weight, i) => UploadChunk.Add(writer, weight, documents[i].Id, documents[i].Text, default, documents[i].Metadata),
            ticket,
            cancellationToken);
    }

    public Task<UploadJobEntry> AcceptAsync(string namespaceName, IReadOnlyList<VectorItem> vectors, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceEntry entry = state.Namespaces.Get(namespaceName);
        if (entry.Kind != NamespaceKind.Vector)
        {
            throw new MoorchehException(
                ErrorCodes.WrongNamespaceType, $"Namespace '{entry.Name}' is a text namespace; vectors need a vector namespace.");
        }

        CheckCount("vectors", vectors.Count);
        for (int i = 0; i < vectors.Count; i++)
        {
            ItemRules.Check(vectors[i], i, entry.Name, entry.Dimension!.Value, options);
        }

        return AcceptAsync(
            entry,
            [.. vectors.Select(vector => vector.Id)],
            vectors.Sum(vector => (long)vector.Id.Length + (vector.Vector.Length * sizeof(float)) + (vector.Metadata?.Utf8Json.Length ?? 0)),
            (writer, weight, i) => UploadChunk.Add(writer, weight, vectors[i].Id, null, vectors[i].Vector.Span, vectors[i].Metadata),
            ticket,
            cancellationToken);
    }

    /// <summary>For each entry how many it stands for: an id that comes again later is stored by its last entry, which counts for all.</summary>
    internal static int[] Weigh(string[] ids)
    {
        int[] weights = new int[ids.Length];
        var last = new Dictionary<string, int>(ids.Length, StringComparer.Ordinal);
        for (int i = 0; i < ids.Length; i++)
        {
            ref int place = ref CollectionsMarshal.GetValueRefOrAddDefault(last, ids[i], out bool seen);
            weights[i] = 1;
            if (seen)
            {
                weights[i] += weights[place];
                weights[place] = 0;
            }

            place = i;
        }

        return weights;
    }

    internal static string OwnedBy(ArtifactEntry owner) => $"belongs to artifact '{owner.Name}'; change it through the artifacts API.";

    private void CheckCount(string field, int count)
    {
        if (count == 0)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, $"Field '{field}' must not be empty.");
        }

        if (count > options.Limits.MaxUploadItems)
        {
            throw new MoorchehException(
                ErrorCodes.TooManyItems, $"Field '{field}' has {count} entries; the limit is {options.Limits.MaxUploadItems}.");
        }
    }

    private async Task<UploadJobEntry> AcceptAsync(
        NamespaceEntry entry, string[] ids, long payloadBytes, Action<ByteWriter, int, int> write, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ChangeLog.CheckNotStopped(entry); // Before its payload is in the journal, and once more when it is queued.

        // Once in the journal, once as records; what is in memory only needs room, too.
        disk.RequireRoom((2 * payloadBytes) + state.Records.UnflushedBytes);
        int[] weights = Weigh(ids);
        byte[] reserved = new byte[(ids.Length + 7) / 8];
        int newItems = MarkNew(entry, ids, weights, reserved);
        var room = new JobRoom { Uploads = 1, UploadBytes = payloadBytes };
        state.Quota.Reserve(newItems);
        try
        {
            state.Jobs.Reserve(room);
        }
        catch
        {
            state.Quota.Release(newItems);
            throw;
        }

        try
        {
            using (await log.EnterAsync().ConfigureAwait(false))
            {
                var jobId = Guid.NewGuid();
                List<ChunkReference> chunks = AppendChunks(jobId, ids.Length, weights, write);
                UploadAccepted accepted = Enqueue(entry, jobId, ids.Length, payloadBytes, chunks, reserved, ticket);

                // From here on the caller's token is not looked at: the job is in the journal and may be carried out after a crash, so it is here, too.
                await log.InsistAsync().ConfigureAwait(false);
                CrashPoints.Pass(CrashPoints.UploadAccepted);
                await log.ApplyAsync(accepted).ConfigureAwait(false);
                scheduler.Wake(entry);
                return accepted.Job!;
            }
        }
        catch when (!ticket.IsBegun)
        {
            state.Jobs.Release(room);
            state.Quota.Release(newItems);
            throw;
        }
    }

    private static int MarkNew(NamespaceEntry entry, string[] ids, int[] weights, byte[] reserved)
    {
        int count = 0;
        Span<byte> utf8 = stackalloc byte[ItemRules.MaxIdBytes];
        for (int i = 0; i < ids.Length; i++)
        {
            if (weights[i] > 0 && entry.Index.FindRecord(utf8[..Encoding.UTF8.GetBytes(ids[i], utf8)]) < 0)
            {
                reserved[i / 8] |= (byte)(1 << (i % 8));
                count++;
            }
        }

        return count;
    }

    private List<ChunkReference> AppendChunks(Guid jobId, int total, int[] weights, Action<ByteWriter, int, int> write)
    {
        List<ChunkReference> chunks = [];
        var writer = new ByteWriter(UploadChunk.TargetBytes + (64 << 10));
        int first = 0;
        UploadChunk.Start(writer, jobId, first);
        for (int i = 0; i < total; i++)
        {
            write(writer, weights[i], i);
            if (writer.Length >= UploadChunk.TargetBytes || i == total - 1)
            {
                UploadChunk.Finish(writer, i + 1 - first);
                chunks.Add(new ChunkReference(log.Append(JournalEntryType.UploadChunk, writer.Written), first));
                first = i + 1;
                UploadChunk.Start(writer, jobId, first);
            }
        }

        return chunks;
    }

    /// <summary>Journals and queues in one step, so that jobs are carried out in the order in which the journal has them.</summary>
    private UploadAccepted Enqueue(
        NamespaceEntry entry, Guid jobId, int total, long payloadBytes, List<ChunkReference> chunks, byte[] reserved, ChangeTicket ticket)
    {
        lock (entry.Lock)
        {
            NamespaceTable.CheckActive(entry);
            ChangeLog.CheckNotStopped(entry);
            var accepted = new UploadAccepted(jobId, entry.Incarnation, options.TimeProvider.GetUtcNow(), total, payloadBytes, chunks, reserved);
            UploadJobEntry job = accepted.Job = accepted.ToJob(entry.Name);
            ticket.Begin(job.Status.Id, entry.Name);
            state.Jobs.AddUnaccepted(job); // Before the append, which may have to wait: whoever is told the id finds the job.
            log.Append(accepted);
            entry.Uploads.AddLast(job);
            return accepted;
        }
    }
}
