namespace Moorcheh.Search.Filters;

/// <summary>
/// All that a search asks of metadata and text. Searches with equal conditions want the same items: equality covers every member, and an
/// <see cref="ItemFilter"/> is made of nothing else.
/// </summary>
/// <param name="Metadata">Keys that must have exactly these values.</param>
/// <param name="Fields">Keys that must have these texts, ignoring case.</param>
/// <param name="Filter">What the metadata must pass; null for none.</param>
/// <param name="Keywords">Strings that must stand in the text as words, ignoring case.</param>
internal readonly record struct FilterConditions(
    ItemMetadata Metadata, Filter? Filter, ValueList<(string Key, string Value)> Fields, ValueList<string> Keywords)
{
    /// <summary>No conditions.</summary>
    public static FilterConditions None { get; } = Of(null, null, null);

    /// <summary>The conditions of a request.</summary>
    /// <param name="metadata">Null for none.</param>
    /// <param name="filter">Null for none.</param>
    /// <param name="query">Its text query; null for a vector query.</param>
    public static FilterConditions Of(ItemMetadata? metadata, Filter? filter, QueryText? query) =>
        new(metadata ?? ItemMetadata.Empty, filter is { IsEmpty: false } ? filter : null, new(query?.Fields ?? []), new(query?.Keywords ?? []));
}
