namespace Moorcheh.Search.Filters;

/// <summary>A list that equals another with equal elements in the same order. The items must not change.</summary>
internal readonly struct ValueList<T>(IReadOnlyList<T> items) : IEquatable<ValueList<T>>
{
    public IReadOnlyList<T> Items { get; } = items;

    public static bool operator ==(ValueList<T> x, ValueList<T> y) => x.Equals(y);

    public static bool operator !=(ValueList<T> x, ValueList<T> y) => !x.Equals(y);

    public bool Equals(ValueList<T> other) => Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => obj is ValueList<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (T item in Items)
        {
            hash.Add(item);
        }

        return hash.ToHashCode();
    }
}
