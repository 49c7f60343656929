using System.Collections;
using System.Collections.Concurrent;
using System.Text;

namespace Moorcheh.Namespaces;

/// <summary>The namespaces in every state, in no order, by name and by incarnation. Safe for use from several threads.</summary>
internal sealed class NamespaceTable : IEnumerable<NamespaceEntry>
{
    private readonly ConcurrentDictionary<string, NamespaceEntry> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, NamespaceEntry> _byIncarnation = new();

    public NamespaceEntry? Find(string name) => _byName.GetValueOrDefault(name);

    public NamespaceEntry? Find(Guid incarnation) => _byIncarnation.GetValueOrDefault(incarnation);

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
        NamespaceEntry entry = Find(name) ?? throw NotFound(name);
        CheckActive(entry);
        return entry;
    }

    public void Add(NamespaceEntry entry)
    {
        _byName[entry.Name] = entry;
        _byIncarnation[entry.Incarnation] = entry;
    }

    public void Remove(NamespaceEntry entry)
    {
        _byName.TryRemove(KeyValuePair.Create(entry.Name, entry));
        _byIncarnation.TryRemove(entry.Incarnation, out _);
    }

    public IEnumerator<NamespaceEntry> GetEnumerator() => _byName.Values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

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
}
