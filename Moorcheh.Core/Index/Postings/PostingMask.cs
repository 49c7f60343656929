namespace Moorcheh.Index.Postings;

/// <summary>Intersections of a mask of slots with a list of slots or with a bitmap.</summary>
internal static class PostingMask
{
    /// <summary>Keeps the bits of listed slots below a limit.</summary>
    /// <returns>False when no bit is left.</returns>
    public static bool AndList(ReadOnlySpan<ushort> slots, int limit, Span<ulong> mask)
    {
        ulong left = 0;
        int next = 0;
        for (int i = 0; i < slots.Length && slots[i] < limit;)
        {
            int word = slots[i] / 64;
            if (word >= mask.Length)
            {
                break;
            }

            ulong bits = 0;
            for (; i < slots.Length && slots[i] / 64 == word && slots[i] < limit; i++)
            {
                bits |= 1UL << (slots[i] % 64);
            }

            mask[next..word].Clear();
            left |= mask[word] &= bits;
            next = word + 1;
        }

        mask[next..].Clear();
        return left != 0;
    }

    /// <summary>Keeps the bits of slots in a bitmap below a limit.</summary>
    /// <returns>False when no bit is left.</returns>
    public static bool AndBitmap(ReadOnlySpan<ulong> bitmap, int limit, Span<ulong> mask)
    {
        int words = Math.Min(Math.Min(bitmap.Length, mask.Length), (limit + 63) / 64);
        ulong left = 0;
        for (int i = 0; i < words; i++)
        {
            ulong bits = mask[i] & bitmap[i];
            if (i == limit / 64)
            {
                bits &= (1UL << (limit % 64)) - 1;
            }

            mask[i] = bits;
            left |= bits;
        }

        mask[words..].Clear();
        return left != 0;
    }
}
