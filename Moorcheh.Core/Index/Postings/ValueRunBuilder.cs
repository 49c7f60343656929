using System.Buffers;

namespace Moorcheh.Index.Postings;

/// <summary>Makes a <see cref="ValueRun"/> of paths, keys and slots in order.</summary>
internal sealed class ValueRunBuilder
{
    private readonly List<int> _pathEnds = [];
    private readonly ArrayBufferWriter<byte> _paths = new();
    private readonly List<int> _firstKeys = [];
    private readonly List<int> _keyEnds = [];
    private readonly ArrayBufferWriter<byte> _keys = new();
    private readonly List<int> _firstSlots = [];
    private readonly List<ushort> _slots = [];

    /// <summary>Begins the next path.</summary>
    public void Path(ReadOnlySpan<byte> path)
    {
        _firstKeys.Add(_keyEnds.Count);
        _paths.Write(path);
        _pathEnds.Add(_paths.WrittenCount);
    }

    /// <summary>Begins the next key of the path.</summary>
    public void Key(ReadOnlySpan<byte> key)
    {
        _firstSlots.Add(_slots.Count);
        _keys.Write(key);
        _keyEnds.Add(_keys.WrittenCount);
    }

    /// <summary>Adds a slot to the key.</summary>
    public void Slot(ushort slot) => _slots.Add(slot);

    /// <summary>Adds slots to the key.</summary>
    public void Slots(ReadOnlySpan<ushort> slots) => _slots.AddRange(slots);

    public ValueRun Build() => new(
        [.. _pathEnds],
        _paths.WrittenSpan.ToArray(),
        [.. _firstKeys, _keyEnds.Count],
        [.. _keyEnds],
        _keys.WrittenSpan.ToArray(),
        [.. _firstSlots, _slots.Count],
        [.. _slots]);
}
