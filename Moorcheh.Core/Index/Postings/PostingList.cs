using System.Numerics;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The slots of a term in a segment that is being filled, in increasing order. One writer appends; readers take what was there
/// before, whatever the writer does meanwhile.
/// </summary>
internal sealed class PostingList(ReadOnlySpan<ushort> first)
{
    /// <summary>Most slots kept as a list, which then takes as many bytes as a bitmap of the whole segment.</summary>
    public const int MaxListed = SegmentPostings.MaxSlots / 16;

    private const int BitmapWords = SegmentPostings.MaxSlots / 64;

    // ushort[] in which the first _count are set, or ulong[]: a bitmap. Replaced when full, so what a reader holds stays right.
    private Array _slots = Grown(first);
    private int _count = first.Length;
    private ushort _last = first[^1];

    /// <summary>The greatest slot. For the writer.</summary>
    public int Last => _last;

    /// <summary>Number of slots.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes taken, headers of objects included.</summary>
    public int Bytes => 40 + 24 + (_slots is ushort[] list ? list.Length * sizeof(ushort) : BitmapWords * sizeof(ulong));

    /// <summary>Adds a slot greater than all others.</summary>
    public void Append(ushort slot)
    {
        if (_slots is ushort[] list)
        {
            if (_count < list.Length)
            {
                list[_count] = slot;
            }
            else if (_count < MaxListed)
            {
                list = Grown(list);
                list[_count] = slot;
                Volatile.Write(ref _slots, list);
            }
            else
            {
                ulong[] bitmap = new ulong[BitmapWords];
                foreach (ushort listed in list)
                {
                    bitmap[listed / 64] |= 1UL << (listed % 64);
                }

                bitmap[slot / 64] |= 1UL << (slot % 64);
                Volatile.Write(ref _slots, bitmap);
            }
        }
        else
        {
            ref ulong word = ref ((ulong[])_slots)[slot / 64];
            Volatile.Write(ref word, word | (1UL << (slot % 64)));
        }

        _last = slot;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>As <see cref="IPostings.AndInto"/>, for the slots below a limit.</summary>
    public bool AndInto(int limit, Span<ulong> mask)
    {
        // The count first: whichever array is there afterwards has at least as many slots.
        int count = Volatile.Read(ref _count);
        return Volatile.Read(ref _slots) is ushort[] list
            ? PostingMask.AndList(list.AsSpan(0, count), limit, mask)
            : PostingMask.AndBitmap((ulong[])_slots, limit, mask);
    }

    /// <summary>The slots below a limit. For readers.</summary>
    public SlotSet Below(int limit)
    {
        int count = Volatile.Read(ref _count);
        return Volatile.Read(ref _slots) is ushort[] list
            ? SlotSet.Listed(list, 0, count, limit)
            : SlotSet.Bits((ulong[])_slots, limit);
    }

    /// <summary>Number of slots below a limit. For readers.</summary>
    public int CountBelow(int limit)
    {
        int count = Volatile.Read(ref _count);
        if (Volatile.Read(ref _slots) is ushort[] list)
        {
            while (count > 0 && list[count - 1] >= limit)
            {
                count--;
            }

            return count;
        }

        ulong[] mask = new ulong[BitmapWords];
        Array.Fill(mask, ulong.MaxValue);
        PostingMask.AndBitmap((ulong[])_slots, limit, mask);
        return mask.Sum(BitOperations.PopCount);
    }

    /// <summary>Copies the first slots; there must be as many, and the span shorter than a bitmap. For readers.</summary>
    public void CopyTo(Span<ushort> into)
    {
        if (Volatile.Read(ref _slots) is ushort[] list)
        {
            list.AsSpan(0, into.Length).CopyTo(into);
            return;
        }

        // It became a bitmap after the slots asked for.
        ulong[] bitmap = (ulong[])_slots;
        int next = 0;
        for (int word = 0; next < into.Length; word++)
        {
            for (ulong bits = Volatile.Read(ref bitmap[word]); bits != 0 && next < into.Length; bits &= bits - 1)
            {
                into[next++] = (ushort)((word * 64) + BitOperations.TrailingZeroCount(bits));
            }
        }
    }

    private static ushort[] Grown(ReadOnlySpan<ushort> slots)
    {
        ushort[] grown = new ushort[Math.Min(slots.Length * 2, MaxListed)];
        slots.CopyTo(grown);
        return grown;
    }
}
