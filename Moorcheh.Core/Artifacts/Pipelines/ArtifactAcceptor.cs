using System.Text;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Accepts tasks: checks what can be checked at once, puts the task into the journal, and queues it behind the others of its artifact.</summary>
internal sealed class ArtifactAcceptor(
    StoreState state, IJournal journal, CheckpointGate gate, DiskState disk, ArtifactWorkers workers, MoorchehOptions options)
{
    public Task<ArtifactTaskEntry> AcceptAsync(
        ArtifactIngest ingest, ArtifactCallback? callback, bool isSync, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        Check(ingest);
        Check(callback);
        return AcceptAsync(ingest.Collection, ingest.Artifact, ingest, callback, isSync, ticket, cancellationToken);
    }

    public Task<ArtifactTaskEntry> AcceptDeleteAsync(
        string collection, string artifact, ArtifactCallback? callback, bool isSync, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        CheckName(collection, nameof(collection));
        CheckName(artifact, nameof(artifact));
        Check(callback);
        return AcceptAsync(collection, artifact, null, callback, isSync, ticket, cancellationToken);
    }

    public static MoorchehException NotFound(string artifact) =>
        new(ErrorCodes.ArtifactNotFound, $"VectorArtifactIndex for artifact={artifact} is not initialized.");

    public static MoorchehException Busy(string artifact) =>
        new(ErrorCodes.ArtifactBusy, $"VectorArtifactIndex for artifact={artifact} is being populated.");

    /// <summary>Throws unless a namespace can hold artifacts.</summary>
    public static void CheckKind(NamespaceEntry entry)
    {
        if (entry.Kind != NamespaceKind.Text)
        {
            throw new MoorchehException(
                ErrorCodes.WrongNamespaceType, $"Namespace '{entry.Name}' is a vector namespace; a collection needs a text namespace.");
        }
    }

    private static void CheckName(string name, string what)
    {
        ArgumentNullException.ThrowIfNull(name, what);
        int length = name.EnumerateRunes().Count();
        if (length is 0 or > ArtifactStore.MaxNameLength)
        {
            throw new ArgumentException($"The name has {length} characters; it must have from 1 to {ArtifactStore.MaxNameLength}.", what);
        }

        CheckUnicode(name, what);
    }

    private static void CheckUnicode(string name, string what)
    {
        if (!ItemRules.IsUnicode(name))
        {
            throw new ArgumentException("The name is not valid Unicode: it has a lone surrogate.", what);
        }
    }

    private void Check(ArtifactIngest ingest)
    {
        ArgumentNullException.ThrowIfNull(ingest);
        CheckName(ingest.Collection, nameof(ingest.Collection));
        CheckName(ingest.Artifact, nameof(ingest.Artifact));
        ArgumentNullException.ThrowIfNull(ingest.Input, nameof(ingest.Input));
        ArgumentNullException.ThrowIfNull(ingest.Metadata, nameof(ingest.Metadata));
        CheckObject(ingest.Metadata, "metadata");
    }

    /// <summary>A message has all of it, and must fit into a page of the record store.</summary>
    private void Check(ArtifactCallback? callback)
    {
        if (callback is null)
        {
            return;
        }

        ArgumentNullException.ThrowIfNull(callback.Exchange, nameof(callback.Exchange));
        CheckFrameName(callback.Exchange, nameof(callback.Exchange));
        CheckFrameName(callback.RoutingKeyDone, nameof(callback.RoutingKeyDone));
        CheckFrameName(callback.RoutingKeyProgress, nameof(callback.RoutingKeyProgress));
        CheckFrameName(callback.RoutingKeyError, nameof(callback.RoutingKeyError));
        if (callback.Properties is not null)
        {
            CheckObject(callback.Properties, "properties");
        }
    }

    private static void CheckFrameName(string? name, string what)
    {
        if (name is null)
        {
            return;
        }

        CheckUnicode(name, what);

        if (Encoding.UTF8.GetByteCount(name) is > ArtifactCallback.MaxNameBytes and var bytes)
        {
            throw new ArgumentException($"The name has {bytes} bytes; the limit is {ArtifactCallback.MaxNameBytes}.", what);
        }
    }

    private void CheckObject(ItemMetadata value, string what)
    {
        if (value.Utf8Json.Length > options.Limits.MaxMetadataBytes)
        {
            throw new MoorchehException(ErrorCodes.InvalidMetadata, $"{what} has {value.Utf8Json.Length} bytes; the limit is {options.Limits.MaxMetadataBytes}");
        }

        if (value.Depth() is > ItemMetadata.MaxDepth and var depth)
        {
            throw new MoorchehException(ErrorCodes.InvalidMetadata, $"{what} is {depth} levels deep; the limit is {ItemMetadata.MaxDepth}");
        }
    }

    private async Task<ArtifactTaskEntry> AcceptAsync(
        string collection,
        string artifact,
        ArtifactIngest? ingest,
        ArtifactCallback? callback,
        bool isSync,
        ChangeTicket ticket,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArtifactKey key = ArtifactKey.Of(collection, artifact);
        lock (state.Artifacts.Lock)
        {
            CheckCollection(collection, artifact, key, ingest is not null, isSync);
        }

        long callbackBytes = ArtifactTaskEntry.SizeOf(callback);
        if (callback is not null)
        {
            state.Outbox.RequireRoom();
        }

        state.Jobs.ReserveTask(ingest is not null, callbackBytes);
        try
        {
            if (ingest is not null)
            {
                // Once as sent, once as texts and vectors in the journal, once as records.
                disk.RequireRoom((3L * ingest.Input.Content.Length) + state.Records.UnflushedBytes);
            }

            using (await gate.EnterChangeAsync().ConfigureAwait(false))
            {
                var id = Guid.NewGuid();
                List<long> parts = ingest is null ? [] : AppendPayload(id, ingest.Input.Content);
                (ArtifactTaskEntry task, ArtifactTaskAccepted accepted) = Enqueue(id, collection, artifact, key, ingest, parts, callback, isSync, ticket);

                // It is in the journal and may be carried out after a crash, so it is here, too.
                await journal.InsistAsync(disk).ConfigureAwait(false);
                CrashPoints.Pass(CrashPoints.ArtifactTaskAccepted);
                await ApplyAsync(task, accepted).ConfigureAwait(false);
                workers.Wake(key);
                return task;
            }
        }
        catch when (!ticket.IsBegun)
        {
            state.Jobs.ReleaseTask(ingest is not null, callbackBytes);
            throw;
        }
    }

    private List<long> AppendPayload(Guid id, ReadOnlyMemory<byte> content)
    {
        List<long> parts = [];
        var writer = new ByteWriter(Math.Min(content.Length, ArtifactPayload.PartBytes) + 64);
        for (int start = 0; start < content.Length; start += ArtifactPayload.PartBytes)
        {
            ArtifactPayload.Write(writer, id, content.Span[start..Math.Min(content.Length, start + ArtifactPayload.PartBytes)]);
            parts.Add(journal.Append(JournalEntryType.ArtifactPayload, writer.Written));
        }

        return parts;
    }

    /// <summary>Journals and queues in one step. From here on the ingests that a delete is to revoke cannot end in another way.</summary>
    private (ArtifactTaskEntry Task, ArtifactTaskAccepted Accepted) Enqueue(
        Guid id, string collection, string artifact, ArtifactKey key, ArtifactIngest? ingest, List<long> parts, ArtifactCallback? callback, bool isSync, ChangeTicket ticket)
    {
        lock (state.Artifacts.Lock)
        {
            CheckCollection(collection, artifact, key, ingest is not null, isSync);
            ArtifactTaskEntry[] revoked = ingest is null && !isSync ? [.. state.Artifacts.Of(key).Where(task => task.Status.IsIngest && task.IsReady && task.MayEnd)] : [];
            var accepted = new ArtifactTaskAccepted(
                id, ingest is not null, isSync, options.TimeProvider.GetUtcNow(), collection, artifact, [.. revoked.Select(task => task.Id)])
            {
                InputKind = ingest?.Input.Kind ?? default,
                FileName = ingest?.Input.FileName ?? string.Empty,
                Metadata = ingest?.Metadata ?? ItemMetadata.Empty,
                Parts = parts,
                PayloadBytes = ingest?.Input.Content.Length ?? 0,
                Callback = callback,
            };
            var writer = new ByteWriter();
            accepted.Write(writer);
            ticket.Begin(isSync ? null : ArtifactTaskEntry.Format(id), collection); // Nobody can look up a task that somebody waits for.
            var task = new ArtifactTaskEntry(accepted, journal.Append(JournalEntryType.ArtifactTaskAccepted, writer.Written));
            foreach (ArtifactTaskEntry ingesting in revoked)
            {
                ingesting.Revoker = task;
            }

            state.Jobs.AddUnaccepted(task);
            state.Artifacts.Add(task);
            return (task, accepted);
        }
    }

    private async Task ApplyAsync(ArtifactTaskEntry task, ArtifactTaskAccepted accepted)
    {
        List<ArtifactTaskEntry> revoked;
        lock (state.Artifacts.Lock)
        {
            revoked = [.. state.Artifacts.Of(task.Key).Where(ingest => ingest.Revoker == task)];
        }

        state.Apply(task, accepted);
        lock (state.Artifacts.Lock)
        {
            task.IsReady = true;
        }

        foreach (ArtifactTaskEntry ingest in revoked)
        {
            await ingest.Cancellation.CancelAsync().ConfigureAwait(false);
        }
    }

    private void CheckCollection(string collection, string artifact, ArtifactKey key, bool isIngest, bool isSync)
    {
        NamespaceEntry? entry = state.Find(collection);
        if (isIngest)
        {
            if (entry is not null)
            {
                CheckKind(entry);
                NamespaceTable.CheckActive(entry);
            }
        }
        else if (isSync)
        {
            if (entry is { Kind: NamespaceKind.Text })
            {
                NamespaceTable.CheckActive(entry);
            }

            IReadOnlyCollection<ArtifactTaskEntry> waiting = state.Artifacts.Of(key);
            if (waiting.Any(task => task.Status.IsIngest))
            {
                throw Busy(artifact);
            }

            if (waiting.Count == 0 && entry?.Artifacts.ContainsKey(key) != true)
            {
                throw NotFound(artifact);
            }
        }
    }
}
