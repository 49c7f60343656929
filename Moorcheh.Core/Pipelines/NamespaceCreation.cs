using Moorcheh.Changes;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Creates namespaces, one at a time.</summary>
internal sealed class NamespaceCreation(StoreState state, ChangeLog log, MoorchehOptions options)
{
    private readonly SemaphoreSlim _creating = new(1, 1);

    public async Task<NamespaceEntry> CreateAsync(string name, NamespaceKind kind, int? dimension, ChangeTicket ticket, CancellationToken cancellationToken)
    {
        NamespaceRules.CheckName(name);
        NamespaceRules.CheckDimension(kind, dimension);
        await _creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (state.Find(name) is { } existing)
            {
                NamespaceTable.CheckActive(existing);
                throw new MoorchehException(ErrorCodes.NamespaceExists, $"Namespace '{name}' already exists.");
            }

            CheckRoom();
            using (await log.EnterAsync().ConfigureAwait(false))
            {
                var created = new NamespaceCreated(Guid.NewGuid(), name, kind, dimension, options.TimeProvider.GetUtcNow());
                NamespaceEntry entry = created.Namespace = created.ToEntry();
                ticket.Begin();
                log.Append(created);
                await log.InsistAsync().ConfigureAwait(false);
                await log.ApplyAsync(created).ConfigureAwait(false);
                return entry;
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
    public async Task<bool> TryCreateWithinAsync(string name, Func<NamespaceEntry, Task> change, CancellationToken cancellationToken)
    {
        await _creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (state.Find(name) is not null)
            {
                return false;
            }

            CheckRoom();
            using (await log.EnterAsync().ConfigureAwait(false))
            {
                await change(new NamespaceEntry(Guid.NewGuid(), name, NamespaceKind.Text, null, options.TimeProvider.GetUtcNow())).ConfigureAwait(false);
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
