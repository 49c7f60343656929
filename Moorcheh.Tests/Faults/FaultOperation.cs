namespace Moorcheh.Tests.Faults;

internal enum FaultOperationKind
{
    /// <summary>The namespace exists afterwards; what is in it stays.</summary>
    Create,
    Upload,
    DeleteItems,

    /// <summary>By a filter: those of versions below one.</summary>
    DeleteBelow,

    /// <summary>Other metadata, with the vector of before.</summary>
    Patch,
    Drop,
    Checkpoint,

    /// <summary>Begins to embed the texts again, unless that is under way; nothing waits for it.</summary>
    Reembed,
}

/// <summary>One call.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Items">
/// Of an upload: ids and versions, where the last of an id counts; of a delete or patch: ids, versions of no meaning; of a delete by a filter: the version.
/// </param>
internal sealed record FaultOperation(FaultOperationKind Kind, IReadOnlyList<(string Id, int Version)> Items)
{
    /// <summary>A namespace's items and their versions after this operation; null when there is no namespace.</summary>
    public Dictionary<string, int>? ApplyTo(Dictionary<string, int>? before)
    {
        switch (Kind)
        {
            case FaultOperationKind.Create:
                return before ?? [];
            case FaultOperationKind.Drop:
                return null;
            case FaultOperationKind.Upload:
                var more = new Dictionary<string, int>(before!);
                foreach ((string id, int version) in Items)
                {
                    more[id] = version;
                }

                return more;
            case FaultOperationKind.DeleteItems:
                var less = new Dictionary<string, int>(before!);
                foreach ((string id, _) in Items)
                {
                    less.Remove(id);
                }

                return less;
            case FaultOperationKind.DeleteBelow:
                return before!.Where(item => FaultWorkload.Uploaded(item.Value) >= Items[0].Version).ToDictionary();
            case FaultOperationKind.Patch:
                var other = new Dictionary<string, int>(before!);
                if (other.TryGetValue(Items[0].Id, out int known))
                {
                    other[Items[0].Id] = ~known;
                }

                return other;
            default:
                return before;
        }
    }
}

/// <summary>Operations that are begun together, or one after the other; the next step begins when all of them are acknowledged.</summary>
internal sealed record FaultStep(bool IsTogether, bool WaitsForJobs, IReadOnlyList<FaultOperation> Operations);
