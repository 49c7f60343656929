using System.Buffers;
using Moorcheh.Index;
using Moorcheh.Index.Postings;

namespace Moorcheh.Filters;

/// <summary>
/// What the values of a segment say about a filter: a bit a slot for those that pass, and one for those that may, because less is kept of a
/// value, or of an item, than there is. Dispose it to give the buffers back.
/// </summary>
internal readonly ref struct FilterBits : IDisposable
{
    private readonly ulong[] _yes;
    private readonly ulong[] _maybe;
    private readonly int _words;

    private FilterBits(int words)
    {
        _words = words;
        _yes = ArrayPool<ulong>.Shared.Rent(words);
        _maybe = ArrayPool<ulong>.Shared.Rent(words);
        Yes.Clear();
        Maybe.Clear();
    }

    /// <summary>Slots that pass; dead ones may be among them.</summary>
    public Span<ulong> Yes => _yes.AsSpan(0, _words);

    /// <summary>Other slots, whose records tell.</summary>
    public Span<ulong> Maybe => _maybe.AsSpan(0, _words);

    /// <summary>Clears the bits of slots that fail a filter.</summary>
    /// <returns>Those among the others whose records tell; null when there are none.</returns>
    public static ulong[]? AndInto(FilterNode filter, SegmentView segment, Span<ulong> mask)
    {
        using FilterBits bits = Of(filter, segment);
        bool isOpen = false;
        for (int i = 0; i < mask.Length; i++)
        {
            bits.Maybe[i] &= mask[i];
            isOpen |= bits.Maybe[i] != 0;
            mask[i] &= bits.Yes[i] | bits.Maybe[i];
        }

        return isOpen ? bits.Maybe.ToArray() : null;
    }

    public static FilterBits Of(FilterNode node, SegmentView segment)
    {
        switch (node.Operator)
        {
            case FilterOperator.And:
            case FilterOperator.Or:
                return Join(node, segment);
            case FilterOperator.Not:
                FilterBits not = Of(node.Children[0], segment);
                not.Invert();
                return not;
            default:
                return OfCondition(node, segment);
        }
    }

    public void Dispose()
    {
        ArrayPool<ulong>.Shared.Return(_yes);
        ArrayPool<ulong>.Shared.Return(_maybe);
    }

    private static FilterBits Join(FilterNode node, SegmentView segment)
    {
        if (node.Children.Length == 0)
        {
            var all = new FilterBits(segment.Blocks);
            all.Invert();
            return all;
        }

        FilterBits joined = Of(node.Children[0], segment);
        foreach (FilterNode child in node.Children.AsSpan(1))
        {
            using FilterBits next = Of(child, segment);
            if (node.Operator == FilterOperator.And)
            {
                joined.And(next);
            }
            else
            {
                joined.Or(next);
            }
        }

        return joined;
    }

    private static FilterBits OfCondition(FilterNode node, SegmentView segment)
    {
        var bits = new FilterBits(segment.Blocks);
        segment.Values.OrInto(node.Path, node.Ranges.Yes, bits.Yes);
        if (node.Ranges.Maybe.Length > 0)
        {
            segment.Values.OrInto(node.Path, node.Ranges.Maybe, bits.Maybe);
        }

        segment.Values.OrInto(ItemValues.Overfull, [KeyRange.All], bits.Maybe);
        for (int i = 0; i < bits._words; i++)
        {
            bits.Maybe[i] &= ~bits.Yes[i];
        }

        return bits;
    }

    private void Invert()
    {
        Span<ulong> yes = Yes;
        Span<ulong> maybe = Maybe;
        for (int i = 0; i < yes.Length; i++)
        {
            yes[i] = ~(yes[i] | maybe[i]);
        }
    }

    private void And(in FilterBits other)
    {
        Span<ulong> yes = Yes;
        Span<ulong> maybe = Maybe;
        for (int i = 0; i < yes.Length; i++)
        {
            ulong possible = (yes[i] | maybe[i]) & (other._yes[i] | other._maybe[i]);
            yes[i] &= other._yes[i];
            maybe[i] = possible & ~yes[i];
        }
    }

    private void Or(in FilterBits other)
    {
        Span<ulong> yes = Yes;
        Span<ulong> maybe = Maybe;
        for (int i = 0; i < yes.Length; i++)
        {
            yes[i] |= other._yes[i];
            maybe[i] = (maybe[i] | other._maybe[i]) & ~yes[i];
        }
    }
}
