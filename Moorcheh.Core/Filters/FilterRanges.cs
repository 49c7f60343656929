using Moorcheh.Index.Postings;

namespace Moorcheh.Filters;

/// <summary>The sorted ranges of the short keys of the values that meet a condition, and of those that may: they agree in what is kept with one it compares with.</summary>
internal readonly record struct FilterRanges(KeyRange[] Yes, KeyRange[] Maybe)
{
    public static FilterRanges Of(FilterOperator @operator, FilterValue[] values) => @operator switch
    {
        FilterOperator.And or FilterOperator.Or or FilterOperator.Not => new([], []),
        FilterOperator.Exists => new([KeyRange.All], []),
        FilterOperator.In => new(KeyRange.Sorted(values.Select(value => KeyRange.Only(ValueKey.Shorten(value.Key)))), []),
        _ => Between(@operator, values[0].Key),
    };

    private static FilterRanges Between(FilterOperator @operator, byte[] key)
    {
        byte[] least = [key[0] == ValueKey.String ? ValueKey.String : ValueKey.Negative];
        byte[] end = [key[0] == ValueKey.String ? (byte)(ValueKey.String + 1) : ValueKey.String];
        byte[] kept = ValueKey.Shorten(key);
        KeyRange equal = KeyRange.Only(kept);
        KeyRange alike = ValueKey.IsLong(key) ? new KeyRange(kept[..(ValueKey.MaxBody + 2)], [.. kept[..(ValueKey.MaxBody + 1)], 1]) : equal;
        KeyRange side = @operator is FilterOperator.Less or FilterOperator.LessOrEqual ? new(least, alike.From) : new(alike.To, end);
        KeyRange[] yes = @operator is FilterOperator.LessOrEqual or FilterOperator.GreaterOrEqual ? KeyRange.Sorted([side, equal]) : [side];
        return new(yes, ValueKey.IsLong(key) ? [new(alike.From, equal.From), new(equal.To, alike.To)] : []);
    }
}
