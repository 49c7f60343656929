using System.Numerics;

namespace Moorcheh.Index;

/// <summary>
/// From an id to its place: open addressing with linear probing, 4 bytes a cell. The ids stay where they are; a probe compares with
/// the id at the place it finds. For one writer; readers take the same lock.
/// </summary>
/// <param name="ids">The ids at their places.</param>
/// <param name="expected">Ids there will be room for without growing.</param>
internal sealed class IdMap(IIdSource ids, long expected = 0)
{
    private const int MinCells = 64;

    // A cell holds place + 1; 0 is free.
    private int[] _cells = new int[CellsFor(expected)];
    private int _used;

    /// <summary>The place of an id; -1 when it has none.</summary>
    public int Find(ReadOnlySpan<byte> id)
    {
        int cell = FindCell(id);
        return _cells[cell] - 1;
    }

    /// <summary>Gives an id a place, in place of the one it has.</summary>
    public void Set(ReadOnlySpan<byte> id, int place)
    {
        int cell = FindCell(id);
        if (_cells[cell] == 0)
        {
            // At most two thirds full: probes stay short.
            if (++_used * 3L > _cells.Length * 2L)
            {
                Grow();
                cell = FindCell(id);
            }
        }

        _cells[cell] = place + 1;
    }

    /// <summary>Takes an id's place away; it must have one.</summary>
    public void Remove(ReadOnlySpan<byte> id)
    {
        int mask = _cells.Length - 1;
        int free = FindCell(id);

        // Moves later cells of the run back so that no probe ends early.
        for (int i = (free + 1) & mask; _cells[i] != 0; i = (i + 1) & mask)
        {
            int home = (int)OrdinalUtf8.Hash(ids.Id(_cells[i] - 1)) & mask;
            if (((i - home) & mask) >= ((i - free) & mask))
            {
                _cells[free] = _cells[i];
                free = i;
            }
        }

        _cells[free] = 0;
        _used--;
    }

    /// <summary>Gives every id of a range of places its new place; both ranges begin at <paramref name="first"/>.</summary>
    /// <param name="first">First place of the range.</param>
    /// <param name="newOffsets">For each offset in the range the new one.</param>
    public void Renumber(int first, ReadOnlySpan<int> newOffsets)
    {
        foreach (ref int cell in _cells.AsSpan())
        {
            // One comparison: a free cell, too, is far outside the range.
            uint offset = (uint)(cell - 1 - first);
            if (offset < (uint)newOffsets.Length)
            {
                cell = first + newOffsets[(int)offset] + 1;
            }
        }
    }

    private static int CellsFor(long ids) =>
        (int)Math.Min(BitOperations.RoundUpToPowerOf2((ulong)Math.Max(MinCells, (ids * 3 / 2) + 1)), 1UL << 30);

    /// <summary>The cell that holds the id, or the free one where it would go.</summary>
    private int FindCell(ReadOnlySpan<byte> id)
    {
        int mask = _cells.Length - 1;
        int i = (int)OrdinalUtf8.Hash(id) & mask;
        while (_cells[i] != 0 && !ids.Id(_cells[i] - 1).SequenceEqual(id))
        {
            i = (i + 1) & mask;
        }

        return i;
    }

    private void Grow()
    {
        int[] before = _cells;
        _cells = new int[checked(before.Length * 2)];
        int mask = _cells.Length - 1;
        foreach (int cell in before)
        {
            if (cell != 0)
            {
                int i = (int)OrdinalUtf8.Hash(ids.Id(cell - 1)) & mask;
                while (_cells[i] != 0)
                {
                    i = (i + 1) & mask;
                }

                _cells[i] = cell;
            }
        }
    }
}
