namespace Moorcheh;

/// <summary>The outcome of deleting items by id.</summary>
/// <param name="DeletedIds">Ids that were removed, distinct, in the order asked for.</param>
/// <param name="NotFoundIds">Ids the namespace did not hold, distinct, in the order asked for.</param>
public sealed record ItemDeletion(IReadOnlyList<string> DeletedIds, IReadOnlyList<string> NotFoundIds);
