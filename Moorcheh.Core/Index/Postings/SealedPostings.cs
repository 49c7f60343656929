using System.Numerics;
using System.Runtime.InteropServices;
using Moorcheh.Storage;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The postings of a full segment, packed: 12 bytes a term and 2 a slot of it, or a bitmap where that is smaller, and 4 bytes a text. Immutable.
/// Written as version (4 bytes), <see cref="CaseFolding.Fingerprint"/> (8), length of the rest (4), slots covered (4), bits of a count (4), and the
/// four arrays, each with its length in bytes (4).
/// </summary>
internal sealed class SealedPostings : IPostings
{
    // 2: with counts of words and lengths of texts; runs of some scripts in pairs.
    private const int FormatVersion = 2;

    // Sorted.
    private readonly ulong[] _terms;

    // One more than terms: where the slots of each begin.
    private readonly int[] _starts;

    // Of each term its slots in increasing order, or a bitmap of all slots; a list as long as a bitmap is a bitmap.
    private readonly ushort[] _slots;

    private readonly int[] _lengths;

    private SealedPostings(int count, int countBits, ulong[] terms, int[] starts, ushort[] slots, int[] lengths)
    {
        Count = count;
        CountBits = countBits;
        _lengths = lengths;
        _terms = terms;
        _starts = starts;
        _slots = slots;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public ReadOnlySpan<int> Lengths => _lengths;

    /// <inheritdoc/>
    public int CountBits { get; }

    /// <summary>Number of terms.</summary>
    public int Terms => _terms.Length;

    /// <summary>Bytes taken.</summary>
    public long Bytes => (_terms.Length * 8L) + (_starts.Length * 4L) + (_slots.Length * 2L) + (_lengths.Length * 4L);

    /// <summary>Packs the slots of a table below a limit. A writer may add others meanwhile.</summary>
    /// <param name="table">The terms.</param>
    /// <param name="count">The limit.</param>
    /// <param name="countBits">As <see cref="IPostings.CountBits"/>.</param>
    /// <param name="lengths">As <see cref="IPostings.Lengths"/>.</param>
    public static SealedPostings Create(PostingTable table, int count, int countBits, ReadOnlySpan<int> lengths)
    {
        (ulong[] terms, int[] counts) = table.Sorted(count);
        int bitmapLength = BitmapLength(count);
        int[] starts = new int[terms.Length + 1];
        for (int i = 0; i < terms.Length; i++)
        {
            starts[i + 1] = checked(starts[i] + Math.Min(counts[i], bitmapLength));
        }

        ushort[] slots = new ushort[starts[^1]];
        for (int i = 0; i < terms.Length; i++)
        {
            Span<ushort> part = slots.AsSpan(starts[i]..starts[i + 1]);
            if (part.Length == bitmapLength)
            {
                Span<ulong> bitmap = MemoryMarshal.Cast<ushort, ulong>(part);
                bitmap.Fill(ulong.MaxValue);
                table.AndInto(terms[i], count, bitmap);
            }
            else
            {
                table.CopySlots(terms[i], part);
            }
        }

        return new SealedPostings(count, countBits, terms, starts, slots, lengths.ToArray());
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <returns>Null when another version wrote it, or a runtime with other letters or cases: the terms have to be made anew.</returns>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static SealedPostings? Read(ref ByteReader reader)
    {
        int version = reader.Int32();
        ulong fingerprint = (ulong)reader.Int64();
        int length = reader.Int32();
        if (version != FormatVersion || fingerprint != CaseFolding.Fingerprint)
        {
            reader.Skip(length);
            return null;
        }

        int end = reader.Position + length;
        int count = reader.Int32();
        int countBits = reader.Int32();
        ulong[] terms = Values<ulong>(ref reader);
        int[] starts = Values<int>(ref reader);
        ushort[] slots = Values<ushort>(ref reader);
        int[] lengths = Values<int>(ref reader);
        bool isSound = reader.Position == end && count is >= 0 and <= SegmentPostings.MaxSlots
            && countBits is >= 0 and <= ItemTerms.CountBits && lengths.Length <= count && !lengths.AsSpan().ContainsAnyInRange(int.MinValue, -1)
            && starts.Length == terms.Length + 1 && starts[0] == 0 && starts[^1] == slots.Length;
        for (int i = 0; isSound && i < terms.Length; i++)
        {
            isSound = starts[i] < starts[i + 1] && starts[i + 1] <= slots.Length && (i == 0 || terms[i - 1] < terms[i])
                && AreSound(slots.AsSpan(starts[i]..starts[i + 1]), count);
        }

        return isSound ? new SealedPostings(count, countBits, terms, starts, slots, lengths) : throw new InvalidDataException("The postings are damaged.");
    }

    /// <summary>Appends the postings to a buffer.</summary>
    public void Write(ByteWriter writer)
    {
        writer.Int32(FormatVersion);
        writer.Int64((long)CaseFolding.Fingerprint);
        int lengthAt = writer.Length;
        writer.Int32(0);
        writer.Int32(Count);
        writer.Int32(CountBits);
        writer.Bytes(MemoryMarshal.AsBytes(_terms.AsSpan()));
        writer.Bytes(MemoryMarshal.AsBytes(_starts.AsSpan()));
        writer.Bytes(MemoryMarshal.AsBytes(_slots.AsSpan()));
        writer.Bytes(MemoryMarshal.AsBytes(_lengths.AsSpan()));
        writer.PatchInt32(lengthAt, writer.Length - lengthAt - sizeof(int));
    }

    /// <inheritdoc/>
    public SlotSet Find(ulong term)
    {
        int index = Array.BinarySearch(_terms, term);
        if (index < 0)
        {
            return default;
        }

        int length = _starts[index + 1] - _starts[index];
        return length == BitmapLength(Count)
            ? SlotSet.Bits(_slots, _starts[index], Count)
            : SlotSet.Listed(_slots, _starts[index], length, Count);
    }

    /// <inheritdoc/>
    public bool AndInto(ulong term, Span<ulong> mask)
    {
        int index = Array.BinarySearch(_terms, term);
        if (index < 0)
        {
            mask.Clear();
            return false;
        }

        ReadOnlySpan<ushort> slots = _slots.AsSpan(_starts[index].._starts[index + 1]);
        return slots.Length == BitmapLength(Count)
            ? PostingMask.AndBitmap(MemoryMarshal.Cast<ushort, ulong>(slots), Count, mask)
            : PostingMask.AndList(slots, Count, mask);
    }

    /// <inheritdoc/>
    public SealedPostings Pack() => this;

    /// <summary>Adds the terms of slots that are kept to those of another segment.</summary>
    /// <param name="target">A writer's, as yet without slots at or above the new ones.</param>
    /// <param name="newSlots">For each slot its new one, in increasing order; negative for slots left out.</param>
    public void CopyTo(SegmentPostings target, ReadOnlySpan<int> newSlots)
    {
        int bitmapLength = BitmapLength(Count);
        target.AddLengths(_lengths, newSlots, CountBits);
        for (int i = 0; i < _terms.Length; i++)
        {
            ReadOnlySpan<ushort> slots = _slots.AsSpan(_starts[i].._starts[i + 1]);
            if (slots.Length < bitmapLength)
            {
                foreach (ushort slot in slots)
                {
                    Copy(target, _terms[i], newSlots[slot]);
                }

                continue;
            }

            ReadOnlySpan<ulong> bitmap = MemoryMarshal.Cast<ushort, ulong>(slots);
            for (int word = 0; word < bitmap.Length; word++)
            {
                for (ulong bits = bitmap[word]; bits != 0; bits &= bits - 1)
                {
                    Copy(target, _terms[i], newSlots[(word * 64) + BitOperations.TrailingZeroCount(bits)]);
                }
            }
        }
    }

    private static void Copy(SegmentPostings target, ulong term, int newSlot)
    {
        if (newSlot >= 0)
        {
            target.Add(newSlot, term);
        }
    }

    private static int BitmapLength(int count) => (count + 63) / 64 * (sizeof(ulong) / sizeof(ushort));

    private static bool AreSound(ReadOnlySpan<ushort> slots, int count)
    {
        if (slots.Length >= BitmapLength(count))
        {
            return slots.Length == BitmapLength(count);
        }

        for (int i = 1; i < slots.Length; i++)
        {
            if (slots[i - 1] >= slots[i])
            {
                return false;
            }
        }

        return true;
    }

    private static T[] Values<T>(ref ByteReader reader)
        where T : struct
    {
        ReadOnlySpan<byte> bytes = reader.Bytes();
        return bytes.Length % Marshal.SizeOf<T>() == 0
            ? MemoryMarshal.Cast<byte, T>(bytes).ToArray()
            : throw new InvalidDataException("The postings are damaged.");
    }
}
