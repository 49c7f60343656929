namespace Moorcheh;

/// <summary>Part of a namespace's items in ordinal order of their ids.</summary>
/// <param name="Items">The items of this page.</param>
/// <param name="HasMore">True when items with greater ids existed at the moment of the call; then there is at least one item to go on from.</param>
public sealed record ItemPage(IReadOnlyList<Item> Items, bool HasMore);
