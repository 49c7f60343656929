using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>
/// Our frame around a journal entry: version (1 byte), type (1), link (2), CRC-32C (4) over the first four bytes and the body,
/// body. FasterLog puts the length in front (4 bytes) and pads to a multiple of 4. The link tells where the entry before ended: an
/// entry that begins a page does not show by itself whether the zeros before it are a page's unused end or entries that were lost.
/// </summary>
internal static class JournalFrame
{
    public const byte Version = 1;

    public const int HeaderBytes = 8;

    /// <summary>Bytes of FasterLog's own header.</summary>
    public const int LengthBytes = 4;

    /// <summary>Longest body that fits a page, with room to spare for the first page's reserved bytes.</summary>
    public const int MaxBodyBytes = FasterSettings.PageBytes - 256;

    /// <summary>Bytes an entry takes in the log, from its address to the next.</summary>
    public static int SpaceOf(int framedLength) => LengthBytes + ((framedLength + 3) & ~3);

    /// <summary>Where the entry after an address begins, or would if it were short: a page's last bytes hold no entry.</summary>
    public static long NextEntry(long end)
    {
        long rest = FasterSettings.PageBytes - (end % FasterSettings.PageBytes);
        return rest < SpaceOf(HeaderBytes) ? end + rest : end;
    }

    public static void WriteHeader(Span<byte> framed, JournalEntryType type, long previousEnd)
    {
        framed[0] = Version;
        framed[1] = (byte)type;
        BinaryPrimitives.WriteUInt16LittleEndian(framed[2..], LinkTo(previousEnd));
        BinaryPrimitives.WriteUInt32LittleEndian(framed[4..], Checksum(framed));
    }

    public static bool IsValid(ReadOnlySpan<byte> framed) =>
        framed.Length >= HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(framed[4..]) == Checksum(framed);

    /// <summary>True when the entry was written right after one that ended at this address.</summary>
    public static bool Follows(ReadOnlySpan<byte> framed, long previousEnd) =>
        BinaryPrimitives.ReadUInt16LittleEndian(framed[2..]) == LinkTo(previousEnd);

    /// <summary>Entries end at multiples of 4; the link repeats every 256 KiB.</summary>
    private static ushort LinkTo(long previousEnd) => unchecked((ushort)(previousEnd / 4));

    private static uint Checksum(ReadOnlySpan<byte> framed) => Crc32C.Append(Crc32C.Of(framed[..4]), framed[HeaderBytes..]);
}
