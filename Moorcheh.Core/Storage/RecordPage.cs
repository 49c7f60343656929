using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>
/// A page of the record log as FASTER lays it out: one record after the other from the page's start, each a header (8 bytes), the key's length (4)
/// and bytes, zeros to a multiple of 8, the value's length (4) and bytes, zeros to a multiple of 8; then zeros to the page's end.
/// </summary>
internal static class RecordPage
{
    private const int HeaderBytes = 8;

    // FASTER keeps marks of its own in the upper two bits of a length.
    private const int LengthMask = 0x3FFF_FFFF;

    /// <summary>
    /// Whether FASTER can go through a page from record to record. It trusts the lengths, and one that leads out of the page ends the process
    /// with it.
    /// </summary>
    public static bool IsWalkable(ReadOnlySpan<byte> page)
    {
        for (int at = 0; at < page.Length;)
        {
            ReadOnlySpan<byte> rest = page[at..];
            if (BinaryPrimitives.ReadInt64LittleEndian(rest) == 0)
            {
                at += HeaderBytes;
                continue;
            }

            long size = HeaderBytes;
            for (int part = 0; part < 2; part++)
            {
                if (size > rest.Length - sizeof(int))
                {
                    return false;
                }

                size += Padded(sizeof(int) + (long)(BinaryPrimitives.ReadInt32LittleEndian(rest[(int)size..]) & LengthMask));
            }

            if (size > rest.Length)
            {
                return false;
            }

            at += (int)size;
        }

        return true;
    }

    private static long Padded(long length) => (length + HeaderBytes - 1) / HeaderBytes * HeaderBytes;
}
