using Moorcheh.Kernels;

namespace Moorcheh.Index;

internal sealed partial class Segment
{
    /// <summary>A growing segment with the slots of a sealed one, dead ones included.</summary>
    public static Segment Reopen(Segment source)
    {
        SegmentView view = source.View();
        var reopened = new Segment(source.Dimension, source.Centre, source.Rotation);
        int[] slots = new int[view.Count];
        for (int slot = 0; slot < view.Count; slot++)
        {
            slots[slot] = slot;
            reopened.AppendCopy(view, slot);
            if (!view.IsLive(slot))
            {
                reopened.Kill(slot);
            }
        }

        view.Postings.Pack().CopyTo(reopened._postings, slots);
        reopened._values.Add(view.Values.Pack());
        return reopened;
    }

    /// <summary>A growing segment of the live slots only, in the same order. The codes are copied: they do not depend on their place.</summary>
    /// <param name="source">Any segment.</param>
    /// <param name="newSlots">For each slot its new one; -1 for dead ones.</param>
    public static Segment Rewrite(SegmentView source, out int[] newSlots)
    {
        var copy = new Segment(source.Dimension, source.Centre, source.Rotation);
        newSlots = new int[source.Count];
        for (int slot = 0; slot < source.Count; slot++)
        {
            newSlots[slot] = -1;
            if (source.IsLive(slot))
            {
                newSlots[slot] = copy.Count;
                copy.AppendCopy(source, slot);
            }
        }

        source.Postings.Pack().CopyTo(copy._postings, newSlots);
        copy._values.Add(source.Values.Pack().Move(newSlots));
        return copy;
    }

    private void AppendCopy(SegmentView source, int from)
    {
        int slot = Begin(source.Id(from), source.RecordNumber(from));
        int block = slot / BlockLayout.SlotsPerBlock;
        int lane = slot % BlockLayout.SlotsPerBlock;
        int fromBlock = from / BlockLayout.SlotsPerBlock;
        int fromLane = from % BlockLayout.SlotsPerBlock;
        for (int row = 0; row < _codeBytes; row += BlockLayout.SlotsPerBlock)
        {
            _codes[(block * _codeBytes) + row + lane] = source.Codes[(fromBlock * _codeBytes) + row + fromLane];
        }

        for (int factor = 0; factor < BlockLayout.FactorsPerBlock; factor += BlockLayout.SlotsPerBlock)
        {
            _factors[(block * BlockLayout.FactorsPerBlock) + factor + lane] =
                source.Factors[(fromBlock * BlockLayout.FactorsPerBlock) + factor + fromLane];
        }

        Span<sbyte> row8 = _growing!.NextRow(slot);
        source.Rows.Rows(fromBlock).Slice(fromLane * row8.Length, row8.Length).CopyTo(row8);
        ReadOnlySpan<float> factors = source.Rows.Factors(fromBlock);
        _growing.SetFactors(slot, factors[fromLane], factors[BlockLayout.SlotsPerBlock + fromLane]);
        _live.Add(slot);
        Count = slot + 1;
    }
}
