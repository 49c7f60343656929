using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Changes;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>
/// The list of namespaces, artifacts, jobs and waiting messages in the record store. FasterKV finds a record by its key only, so the list is written as a few
/// numbered pages at each checkpoint; between checkpoints the journal holds the changes.
/// </summary>
internal static class Catalog
{
    private const int PageBytes = 512 << 10;
    // Between them those of JobTag.
    private const byte NamespaceTag = 1;
    private const byte ArtifactTag = 4;
    private const byte TaskCallbackTag = 6;
    private const byte OutboxTag = 7;
    private const byte WorkEndedTag = 8;

    /// <summary>Writes the list.</summary>
    /// <returns>Number of pages.</returns>
    public static int Save(StoreState state)
    {
        var writer = new ByteWriter(PageBytes + 4096);
        int pages = 0;

        void Flush(int threshold)
        {
            if (writer.Length > threshold)
            {
                state.Records.Upsert(Key(pages++), writer.Written);
                writer.Clear();
            }
        }

        foreach (NamespaceEntry entry in state.Namespaces)
        {
            writer.Byte(NamespaceTag);
            entry.Write(writer);
            Flush(PageBytes);
            foreach (ArtifactEntry artifact in entry.Artifacts.Values)
            {
                writer.Byte(ArtifactTag);
                writer.Guid(entry.Incarnation);
                writer.String(artifact.Name);
                writer.Int64(artifact.FirstRecord);
                writer.Int32(artifact.ChunkCount);
                Flush(PageBytes);
            }
        }

        // Uploads of one namespace are restored in the order in which they were accepted.
        HashSet<Guid> queued = [];
        foreach (UploadJobEntry upload in state.Namespaces.SelectMany(entry => entry.Uploads))
        {
            queued.Add(upload.Id);
            JobErrorRecords.Save(state.Records, upload);
            upload.Write(writer);
            Flush(PageBytes);
        }

        foreach (ItemDeleteJobEntry delete in state.Namespaces.SelectMany(entry => entry.ItemDeletes))
        {
            queued.Add(delete.Id);
            delete.Write(writer);
            Flush(PageBytes);
        }

        // Likewise the tasks of one artifact. None is being accepted: that happens inside the gate.
        List<ArtifactTaskEntry> tasks;
        lock (state.Artifacts.Lock)
        {
            tasks = [.. state.Artifacts.All];
        }

        foreach (ArtifactTaskEntry task in tasks)
        {
            queued.Add(task.Id);
            task.Write(writer);
            if (task.Callback is not null)
            {
                writer.Byte(TaskCallbackTag);
                writer.Guid(task.Id);
                task.Callback.Write(writer);
            }

            Flush(PageBytes);
        }

        foreach (JobEntry job in state.Jobs.All.Where(job => !queued.Contains(job.Id)))
        {
            if (job is ReembedJobEntry { IsFinished: false })
            {
                job.KeepRecords(state.Records);
            }

            job.Write(writer);
            Flush(PageBytes);
        }

        foreach ((OutboxMessage message, string exchange) in state.Outbox.List())
        {
            writer.Byte(OutboxTag);
            writer.Guid(message.JobId);
            writer.Int32(message.Number);
            writer.Byte(message.IsFinal ? (byte)1 : (byte)0);
            writer.Time(message.MadeAt);
            writer.String(exchange);
            Flush(PageBytes);
        }

        foreach (WorkEnded ended in WorkEnded.All(state))
        {
            writer.Byte(WorkEndedTag);
            ended.Write(writer);
            Flush(PageBytes);
        }

        Flush(0);
        return pages;
    }

    /// <summary>Reads the list back into an empty state.</summary>
    public static async Task LoadAsync(StoreState state, int pages)
    {
        Dictionary<Guid, NamespaceEntry> deleting = [];
        for (int page = 0; page < pages; page++)
        {
            using RecordLease lease = await state.Records.ReadAsync(Key(page)).ConfigureAwait(false);
            if (!lease.IsFound)
            {
                throw new MoorchehException(ErrorCodes.StorageDamaged, $"Catalog page {page} of {pages} is missing.")
                {
                    Facts = new Dictionary<string, object> { ["Where"] = Key(page).ToString() },
                };
            }

            LoadPage(state, lease.Body, deleting);
        }

        foreach (JobEntry job in state.Jobs.All.Where(job => job is UploadJobEntry or ReembedJobEntry && !job.IsFinished))
        {
            job.Errors = await JobErrorRecords.LoadAsync(state.Records, job.Id).ConfigureAwait(false);
        }
    }

    private static void LoadPage(StoreState state, ReadOnlySpan<byte> body, Dictionary<Guid, NamespaceEntry> deleting)
    {
        var reader = new ByteReader(body);
        while (reader.Remaining > 0)
        {
            switch (reader.Byte())
            {
                case NamespaceTag:
                    (NamespaceEntry entry, Guid deleteJob) = NamespaceEntry.Read(ref reader);
                    state.Restore(entry);
                    if (deleteJob != Guid.Empty)
                    {
                        deleting.Add(deleteJob, entry);
                    }

                    break;
                case (byte)JobTag.Upload:
                    state.Restore(UploadJobEntry.Read(ref reader));
                    break;
                case (byte)JobTag.Delete:
                    DeleteJobEntry job = DeleteJobEntry.Read(ref reader);
                    state.Restore(job);
                    if (deleting.TryGetValue(job.Id, out NamespaceEntry? target))
                    {
                        target.DeleteJob = job;
                    }

                    break;
                case (byte)JobTag.ItemDelete:
                    state.Restore(ItemDeleteJobEntry.Read(ref reader));
                    break;
                case (byte)JobTag.Reembed:
                    state.Restore(ReembedJobEntry.Read(ref reader));
                    break;
                case ArtifactTag:
                    NamespaceEntry collection = state.Find(reader.Guid()) ?? throw new InvalidDataException("A catalog page has an artifact without a namespace.");
                    string name = reader.String();
                    var artifact = new ArtifactEntry(ArtifactKey.Of(collection.Name, name), name, reader.Int64(), reader.Int32());
                    collection.Artifacts[artifact.Key] = artifact;
                    break;
                case (byte)JobTag.ArtifactTask:
                    state.Restore(ArtifactTaskEntry.Read(ref reader));
                    break;
                case TaskCallbackTag:
                    TaskCallback callback = (state.Jobs.Find(reader.Guid()) as ArtifactTaskEntry)?.Callback
                        ?? throw new InvalidDataException("A catalog page has a callback without a task.");
                    callback.Read(ref reader);
                    break;
                case OutboxTag:
                    state.Outbox.Restore(new OutboxMessage(reader.Guid(), reader.Int32(), reader.Byte() != 0, reader.Time()), reader.String());
                    break;
                case WorkEndedTag:
                    WorkEnded.Read(ref reader).Apply(state);
                    break;
                case byte tag:
                    throw new InvalidDataException($"A catalog page has an entry of unknown type {tag}.");
            }
        }
    }

    private static RecordKey Key(int page) => new(RecordKind.CatalogPage, Guid.Empty, page);
}
