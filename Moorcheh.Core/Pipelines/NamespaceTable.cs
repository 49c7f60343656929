using System.Text;
using Moorcheh.Changes;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Creates and looks up namespaces.</summary>
internal sealed class NamespaceTable(StoreState state, IJournal journal, CheckpointGate gate, DiskState disk, MoorchehOptions options)
{
    private readonly SemaphoreSlim _creating = new(1, 1);

    /// <summary>The live namespace of a name; throws when there is none.</summary>
    public NamespaceEntry Get(string name)
    {
        NamespaceEntry entry = GetOrHidden(name);
        return entry.IsHidden ? throw NotFound(name) : entry;
    }

    /// <summary>As <see cref="Get"/>, but finds hidden collections, too.</summary>
    public NamespaceEntry GetOrHidden(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        NamespaceEntry entry = state.Find(name) ?? throw NotFound(name);
        CheckActive(entry);
        return entry;
    }

    public static MoorchehException NotFound(string name) => new(ErrorCodes.NamespaceNotFound, $"Namespace '{name}' not found.");

    public static void CheckActive(NamespaceEntry entry)
    {
        switch (entry.State)
        {
            case NamespaceState.Deleting:
                throw new MoorchehException(ErrorCodes.NamespaceDeleting, $"Namespace '{entry.Name}' is being deleted.");
            case NamespaceState.PartlyDeleted:
                throw new MoorchehException(
                    ErrorCodes.NamespaceDeleteFailed, $"Namespace '{entry.Name}' is only partly deleted; send the delete again.");
        }
    }

    /// <summary>What to throw when an item is in the index and its record is not there.</summary>
    /// <exception cref="MoorchehException">The namespace is being deleted, and so loses its records before its index.</exception>
    public static MoorchehException RecordMissing(NamespaceEntry entry, ReadOnlySpan<byte> id)
    {
        CheckActive(entry);
        string name = Encoding.UTF8.GetString(id);
        return new MoorchehException(ErrorCodes.StorageDamaged, $"The record of item '{name}' of namespace '{entry.Name}' is missing.")
        {
            Facts = new Dictionary<string, object> { ["Where"] = $"{entry.Name}/{name}" },
        };
    }

    public async Task<NamespaceEntry> CreateAsync(string name, NamespaceKind kind, int? dimension, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceRules.CheckName(name);
        NamespaceRules.CheckDimension(kind, dimension);
        await _creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (state.Find(name) is { } existing)
            {
                CheckActive(existing);
                throw new MoorchehException(ErrorCodes.NamespaceExists, $"Namespace '{name}' already exists.");
            }

            CheckRoom();
            using (await gate.EnterChangeAsync().ConfigureAwait(false))
            {
                var created = new NamespaceCreated(Guid.NewGuid(), name, kind, dimension, options.TimeProvider.GetUtcNow());
                var writer = new ByteWriter();
                created.Write(writer);
                ticket.Begin();
                journal.Append(JournalEntryType.NamespaceCreated, writer.Written);
                await journal.InsistAsync(disk).ConfigureAwait(false);
                return state.Apply(created);
            }
        }
        finally
        {
            _creating.Release();
        }
    }

    /// <summary>Makes the creation of a text namespace a part of a change of its own, unless there is one of that name by now.</summary>
    /// <param name="name">Any name.</param>
    /// <param name="change">Journals and applies it; called inside the gate.</param>
    /// <param name="cancellationToken">Looked at until the change begins.</param>
    /// <returns>False when nothing was done because there is one.</returns>
    public async Task<bool> TryCreateWithinAsync(string name, Func<NamespaceCreated, Task> change, CancellationToken cancellationToken)
    {
        await _creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (state.Find(name) is not null)
            {
                return false;
            }

            CheckRoom();
            using (await gate.EnterChangeAsync().ConfigureAwait(false))
            {
                await change(new NamespaceCreated(Guid.NewGuid(), name, NamespaceKind.Text, null, options.TimeProvider.GetUtcNow())).ConfigureAwait(false);
                return true;
            }
        }
        finally
        {
            _creating.Release();
        }
    }

    private void CheckRoom()
    {
        int count = state.Namespaces.Count();
        if (options.Limits.MaxNamespaces > 0 && count >= options.Limits.MaxNamespaces)
        {
            throw new MoorchehException(
                ErrorCodes.NamespaceLimitExceeded,
                $"Namespace limit exceeded: the server holds {count} of {options.Limits.MaxNamespaces} namespaces.");
        }
    }
}
