using System.Numerics;

namespace Moorcheh.Indexing;

/// <summary>
/// From the hash of an id to the places it may be: open addressing with linear probing, 8 bytes a cell. The ids themselves stay
/// in the segments; the caller compares them. For one writer; readers take the same lock.
/// </summary>
internal sealed class IdMap
{
    private const int MinCells = 64;

    // A cell holds the hash in the upper half and place + 1 in the lower; 0 is free.
    private ulong[] _cells = new ulong[MinCells];
    private int _used;

    /// <summary>Finds the place for which <paramref name="isMatch"/> holds; -1 when there is none.</summary>
    public int Find<TState>(uint hash, TState state, MatchPlace<TState> isMatch)
        where TState : allows ref struct
    {
        int mask = _cells.Length - 1;
        for (int i = (int)hash & mask; _cells[i] != 0; i = (i + 1) & mask)
        {
            if ((uint)(_cells[i] >> 32) == hash)
            {
                int place = (int)(uint)_cells[i] - 1;
                if (isMatch(place, state))
                {
                    return place;
                }
            }
        }

        return -1;
    }

    /// <summary>Adds a place that is not in the map.</summary>
    public void Add(uint hash, int place)
    {
        if ((_used + 1) * 4L > _cells.Length * 3L)
        {
            Grow();
        }

        Put(_cells, Cell(hash, place));
        _used++;
    }

    /// <summary>Removes a place that is in the map.</summary>
    public void Remove(uint hash, int place)
    {
        int mask = _cells.Length - 1;
        ulong cell = Cell(hash, place);
        int i = (int)hash & mask;
        while (_cells[i] != cell)
        {
            i = (i + 1) & mask;
        }

        // Moves later cells of the run back so that no probe ends early.
        int free = i;
        while (true)
        {
            i = (i + 1) & mask;
            if (_cells[i] == 0)
            {
                break;
            }

            int home = (int)(_cells[i] >> 32) & mask;
            if (((i - home) & mask) >= ((i - free) & mask))
            {
                _cells[free] = _cells[i];
                free = i;
            }
        }

        _cells[free] = 0;
        _used--;
    }

    private static ulong Cell(uint hash, int place) => ((ulong)hash << 32) | ((uint)place + 1);

    private static void Put(ulong[] cells, ulong cell)
    {
        int mask = cells.Length - 1;
        int i = (int)(cell >> 32) & mask;
        while (cells[i] != 0)
        {
            i = (i + 1) & mask;
        }

        cells[i] = cell;
    }

    private void Grow()
    {
        ulong[] cells = new ulong[(int)BitOperations.RoundUpToPowerOf2((uint)(_cells.Length * 2))];
        foreach (ulong cell in _cells)
        {
            if (cell != 0)
            {
                Put(cells, cell);
            }
        }

        _cells = cells;
    }
}

/// <summary>Tells whether the item at a place is the one looked for.</summary>
internal delegate bool MatchPlace<TState>(int place, TState state)
    where TState : allows ref struct;
