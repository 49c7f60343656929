using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>Everything the store knows. What happens to it is in the changes: <see cref="IChange"/>.</summary>
internal sealed class StoreState
{
    public StoreState(MoorchehOptions options, IRecordStore records, ILogger logger)
    {
        Records = records;
        Jobs = new JobRegistry(options, records, logger);
        Quota = new ItemQuota(options.Limits.MaxItems);
        Outbox = new Outbox(records, options.Artifacts.MaxWaitingCallbacks, logger);
        Messages = new TaskMessages(Outbox, logger);
    }

    public IRecordStore Records { get; }

    public NamespaceTable Namespaces { get; } = new();

    public JobRegistry Jobs { get; }

    /// <summary>Unfinished tasks on artifacts.</summary>
    public ArtifactQueue Artifacts { get; } = new();

    /// <summary>Messages about tasks that wait to be sent.</summary>
    public Outbox Outbox { get; }

    /// <summary>Makes the messages about tasks.</summary>
    public TaskMessages Messages { get; }

    public ItemQuota Quota { get; }

    public NamespaceEntry? Find(string name) => Namespaces.Find(name);

    public NamespaceEntry? Find(Guid incarnation) => Namespaces.Find(incarnation);

    /// <summary>Adds a namespace that is complete.</summary>
    public void Restore(NamespaceEntry entry) => Namespaces.Add(entry);

    /// <summary>Adds a job read from a checkpoint or found in the journal, after its namespace.</summary>
    public void Restore(JobEntry job)
    {
        Jobs.Restore(job);
        if (job is UploadJobEntry { IsFinished: false } upload && Find(upload.Incarnation) is { } entry)
        {
            upload.IsReady = true;
            entry.Uploads.AddLast(upload);
        }
        else if (job is ItemDeleteJobEntry { IsFinished: false } delete && Find(delete.Incarnation) is { } of)
        {
            delete.IsReady = true;
            of.ItemDeletes.AddLast(delete);
        }
        else if (job is ReembedJobEntry { IsFinished: false } reembedding && Find(reembedding.Incarnation) is { } target)
        {
            reembedding.Open(NamespaceEntry.SeedOf(target.Incarnation));
            target.Reembedding = reembedding;
        }
        else if (job is ArtifactTaskEntry { IsFinished: false } task)
        {
            task.IsReady = true;
            Artifacts.Add(task);
        }
    }

    /// <summary>Lets go of a namespace: its name is free.</summary>
    public void Forget(NamespaceEntry entry) => Namespaces.Remove(entry);
}
