using System.Runtime.InteropServices;
using Moorcheh.Storage;

namespace Moorcheh.Index.Postings;

/// <summary>
/// Values of slots, sorted: paths in the order of their bytes, of each path its keys, of each key its slots. Immutable. Written as version (4 bytes)
/// and seven arrays, each with its length in bytes (4): ends of paths, paths, of each path the number of its first key, ends of keys, keys, of
/// each key the number of its first slot, and the slots.
/// </summary>
internal sealed partial class ValueRun
{
    private const int FormatVersion = 1;

    private readonly int[] _pathEnds;
    private readonly byte[] _paths;
    private readonly int[] _firstKeys; // One more than paths.
    private readonly int[] _keyEnds;
    private readonly byte[] _keys;
    private readonly int[] _firstSlots; // One more than keys.
    private readonly ushort[] _slots;

    public ValueRun(int[] pathEnds, byte[] paths, int[] firstKeys, int[] keyEnds, byte[] keys, int[] firstSlots, ushort[] slots)
    {
        _pathEnds = pathEnds;
        _paths = paths;
        _firstKeys = firstKeys;
        _keyEnds = keyEnds;
        _keys = keys;
        _firstSlots = firstSlots;
        _slots = slots;
    }

    /// <summary>No values.</summary>
    public static ValueRun Empty { get; } = new([], [], [0], [], [], [0], []);

    public bool IsEmpty => _slots.Length == 0;

    /// <summary>Bytes taken.</summary>
    public long Bytes =>
        _paths.Length + _keys.Length + (2L * _slots.Length)
        + (4L * (_pathEnds.Length + _firstKeys.Length + _keyEnds.Length + _firstSlots.Length));

    public static ValueRun Create(ReadOnlySpan<ValueEntry> entries)
    {
        ValueEntry[] sorted = entries.ToArray();
        Array.Sort(sorted, static (x, y) =>
            x.Path.SequenceCompareTo(y.Path) is not 0 and var byPath ? byPath
            : x.Key.SequenceCompareTo(y.Key) is not 0 and var byKey ? byKey
            : x.Slot.CompareTo(y.Slot));
        var builder = new ValueRunBuilder();
        for (int i = 0; i < sorted.Length; i++)
        {
            ref ValueEntry entry = ref sorted[i];
            bool isPath = i == 0 || !entry.Path.SequenceEqual(sorted[i - 1].Path);
            if (isPath)
            {
                builder.Path(entry.Path);
            }

            bool isKey = isPath || !entry.Key.SequenceEqual(sorted[i - 1].Key);
            if (isKey)
            {
                builder.Key(entry.Key);
            }

            if (isKey || entry.Slot != sorted[i - 1].Slot)
            {
                builder.Slot(entry.Slot);
            }
        }

        return builder.Build();
    }

    /// <summary>The values of slots that are kept, under their new slots.</summary>
    /// <param name="newSlots">For each slot its new one, in increasing order; negative for slots left out.</param>
    public ValueRun Move(ReadOnlySpan<int> newSlots)
    {
        var builder = new ValueRunBuilder();
        for (int path = 0; path < _pathEnds.Length; path++)
        {
            bool hasPath = false;
            for (int key = _firstKeys[path]; key < _firstKeys[path + 1]; key++)
            {
                bool hasKey = false;
                foreach (ushort slot in Slots(key))
                {
                    if (newSlots[slot] < 0)
                    {
                        continue;
                    }

                    if (!hasPath)
                    {
                        builder.Path(Path(path));
                        hasPath = true;
                    }

                    if (!hasKey)
                    {
                        builder.Key(Key(key));
                        hasKey = true;
                    }

                    builder.Slot((ushort)newSlots[slot]);
                }
            }
        }

        return builder.Build();
    }

    /// <summary>Sets the bits of slots that have a key of a path in a range.</summary>
    public void OrInto(ReadOnlySpan<byte> path, ReadOnlySpan<KeyRange> ranges, Span<ulong> mask)
    {
        int at = FindPath(path);
        if (at < 0)
        {
            return;
        }

        int next = _firstKeys[at];
        int end = _firstKeys[at + 1];
        if (ranges.Length > end - next)
        {
            for (int key = next; key < end; key++)
            {
                if (KeyRange.AnyHas(ranges, Key(key)))
                {
                    Or(Slots(key), mask);
                }
            }

            return;
        }

        foreach (KeyRange range in ranges)
        {
            int from = FindKey(range.From, next, end);
            next = FindKey(range.To, from, end);
            Or(_slots.AsSpan(_firstSlots[from].._firstSlots[next]), mask);
        }
    }

    public void Write(ByteWriter writer)
    {
        writer.Int32(FormatVersion);
        writer.Bytes(MemoryMarshal.AsBytes(_pathEnds.AsSpan()));
        writer.Bytes(_paths);
        writer.Bytes(MemoryMarshal.AsBytes(_firstKeys.AsSpan()));
        writer.Bytes(MemoryMarshal.AsBytes(_keyEnds.AsSpan()));
        writer.Bytes(_keys);
        writer.Bytes(MemoryMarshal.AsBytes(_firstSlots.AsSpan()));
        writer.Bytes(MemoryMarshal.AsBytes(_slots.AsSpan()));
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <returns>Null when a build wrote it that had none, or of another version.</returns>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static ValueRun? Read(ref ByteReader reader, int slots)
    {
        if (reader.Remaining == 0 || reader.Int32() != FormatVersion)
        {
            return null;
        }

        var run = new ValueRun(
            Values<int>(ref reader),
            Values<byte>(ref reader),
            Values<int>(ref reader),
            Values<int>(ref reader),
            Values<byte>(ref reader),
            Values<int>(ref reader),
            Values<ushort>(ref reader));
        return run.IsSound(slots) ? run : throw new InvalidDataException("The values of a segment do not fit each other.");
    }

    private bool IsSound(int slots) =>
        AreEnds(_pathEnds, _paths.Length)
        && AreEnds(_keyEnds, _keys.Length)
        && AreStarts(_firstKeys, _pathEnds.Length, _keyEnds.Length)
        && AreStarts(_firstSlots, _keyEnds.Length, _slots.Length)
        && !_slots.AsSpan().ContainsAnyExceptInRange((ushort)0, (ushort)(slots - 1));

    private static bool AreEnds(ReadOnlySpan<int> ends, int length) =>
        ends.IsEmpty ? length == 0 : ends[0] >= 0 && ends[^1] == length && IsRising(ends);

    private static bool AreStarts(ReadOnlySpan<int> starts, int count, int length) =>
        starts.Length == count + 1 && starts[0] == 0 && starts[^1] == length && IsRising(starts);

    private static bool IsRising(ReadOnlySpan<int> values)
    {
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] < values[i - 1])
            {
                return false;
            }
        }

        return true;
    }

    private ReadOnlySpan<byte> Path(int path) => _paths.AsSpan((path == 0 ? 0 : _pathEnds[path - 1]).._pathEnds[path]);

    private ReadOnlySpan<byte> Key(int key) => _keys.AsSpan((key == 0 ? 0 : _keyEnds[key - 1]).._keyEnds[key]);

    private ReadOnlySpan<ushort> Slots(int key) => _slots.AsSpan(_firstSlots[key].._firstSlots[key + 1]);

    /// <summary>The number of a path; negative when there is none.</summary>
    private int FindPath(ReadOnlySpan<byte> path)
    {
        int low = 0;
        int high = _pathEnds.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = Path(middle).SequenceCompareTo(path);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    private static void Or(ReadOnlySpan<ushort> slots, Span<ulong> mask)
    {
        foreach (ushort slot in slots)
        {
            mask[slot >> 6] |= 1UL << slot;
        }
    }

    /// <summary>The first key at or behind one; found quickly when it is near.</summary>
    private int FindKey(ReadOnlySpan<byte> bound, int low, int high)
    {
        for (int step = 1; low + step < high; step *= 2)
        {
            if (Key(low + step - 1).SequenceCompareTo(bound) >= 0)
            {
                high = low + step - 1;
                break;
            }

            low += step;
        }

        while (low < high)
        {
            int middle = (low + high) >>> 1;
            (low, high) = Key(middle).SequenceCompareTo(bound) < 0 ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static T[] Values<T>(ref ByteReader reader)
        where T : struct
    {
        ReadOnlySpan<byte> bytes = reader.Bytes();
        return bytes.Length % Marshal.SizeOf<T>() == 0
            ? MemoryMarshal.Cast<byte, T>(bytes).ToArray()
            : throw new InvalidDataException("The values of a segment are damaged.");
    }
}
