using System.Numerics;
using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>
/// Which slots of a segment are live, one bit a slot. A part of its segment, never copied; what readers were given does not change.
/// </summary>
internal struct LiveSlots(ulong[] words)
{
    private ulong[] _words = words;
    private bool _isShared;

    /// <summary>Blocks there is room for.</summary>
    public readonly int Blocks => _words.Length;

    public readonly int Count => _words.Sum(BitOperations.PopCount);

    public readonly bool Contains(int slot) => (_words[slot / BlockLayout.SlotsPerBlock] >> (slot % BlockLayout.SlotsPerBlock) & 1) != 0;

    public void Add(int slot) => Own()[slot / BlockLayout.SlotsPerBlock] |= 1UL << (slot % BlockLayout.SlotsPerBlock);

    public void Remove(int slot) => Own()[slot / BlockLayout.SlotsPerBlock] &= ~(1UL << (slot % BlockLayout.SlotsPerBlock));

    public void Grow(int blocks)
    {
        Array.Resize(ref _words, blocks);
        _isShared = false;
    }

    /// <summary>The words for a reader, who may keep them.</summary>
    public ulong[] Share()
    {
        _isShared = true;
        return _words;
    }

    private ulong[] Own()
    {
        if (_isShared)
        {
            _words = (ulong[])_words.Clone();
            _isShared = false;
        }

        return _words;
    }
}
