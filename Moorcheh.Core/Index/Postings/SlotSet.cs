using System.Numerics;
using System.Runtime.InteropServices;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The slots of a term below a limit, listed or as a bitmap. Immutable as seen from outside, whatever the writer of a growing segment does. The default one is empty.
/// </summary>
internal readonly struct SlotSet
{
    private const int BitsPerItem = 16;

    // ushort[]: slots in increasing order, or a bitmap in parts of 16 bits; ulong[]: a bitmap.
    private readonly Array? _array;
    private readonly int _start;
    private readonly int _length;
    private readonly int _limit;

    private SlotSet(Array array, int start, int length, int limit, bool isBitmap)
    {
        _array = array;
        _start = start;
        _length = length;
        _limit = limit;
        IsBitmap = isBitmap;
    }

    /// <summary>True when <see cref="Bitmap"/> has the slots, otherwise <see cref="List"/>.</summary>
    public bool IsBitmap { get; }

    /// <summary>True when there is surely no slot.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>The slots in increasing order.</summary>
    public ReadOnlySpan<ushort> List => IsBitmap || _array is null ? [] : ((ushort[])_array).AsSpan(_start, _length);

    /// <summary>A bit a slot; the last word may have bits at and above the limit: <see cref="Word"/> leaves them out.</summary>
    private ReadOnlySpan<ulong> Bitmap => _array is ulong[] words
        ? words.AsSpan(0, _length)
        : MemoryMarshal.Cast<ushort, ulong>(((ushort[])_array!).AsSpan(_start, _length));

    /// <summary>Slots as a list; those at or above the limit are left out.</summary>
    public static SlotSet Listed(ushort[] slots, int start, int length, int limit)
    {
        while (length > 0 && slots[start + length - 1] >= limit)
        {
            length--;
        }

        return new SlotSet(slots, start, length, limit, isBitmap: false);
    }

    /// <summary>Slots as a bitmap.</summary>
    public static SlotSet Bits(ulong[] words, int limit) => new(words, 0, Words(limit), limit, isBitmap: true);

    /// <summary>Slots as a bitmap within an array of others.</summary>
    public static SlotSet Bits(ushort[] parts, int start, int limit) =>
        new(parts, start, Words(limit) * (sizeof(ulong) * 8 / BitsPerItem), limit, isBitmap: true);

    /// <summary>Number of words of a bitmap.</summary>
    public int WordCount => IsBitmap ? Words(_limit) : 0;

    /// <summary>64 slots of a bitmap.</summary>
    public ulong Word(int index)
    {
        ulong word = Bitmap[index];
        return (index + 1) * 64 > _limit ? word & ((1UL << (_limit % 64)) - 1) : word;
    }

    /// <summary>True when a slot is in the set.</summary>
    public bool Contains(int slot)
    {
        if (IsBitmap)
        {
            return slot < _limit && (Bitmap[slot / 64] >> (slot % 64) & 1) != 0;
        }

        return List.BinarySearch((ushort)slot) >= 0;
    }

    /// <summary>Number of slots.</summary>
    public int Count()
    {
        if (!IsBitmap)
        {
            return _length;
        }

        int count = 0;
        for (int i = 0; i < WordCount; i++)
        {
            count += BitOperations.PopCount(Word(i));
        }

        return count;
    }

    /// <summary>Number of slots that are in a mask as well.</summary>
    /// <param name="mask">A bit a slot.</param>
    public int Count(ReadOnlySpan<ulong> mask)
    {
        int count = 0;
        for (int i = 0; i < Math.Min(WordCount, mask.Length); i++)
        {
            count += BitOperations.PopCount(Word(i) & mask[i]);
        }

        foreach (ushort slot in List)
        {
            count += slot / 64 < mask.Length ? (int)(mask[slot / 64] >> (slot % 64) & 1) : 0;
        }

        return count;
    }

    private static int Words(int limit) => (limit + 63) / 64;
}
