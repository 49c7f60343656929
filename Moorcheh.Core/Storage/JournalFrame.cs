using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>
/// Our frame around a journal entry: version (1 byte), type (1), zero (2), CRC-32C (4) over the first four bytes and the body,
/// body. FasterLog puts the length in front (4 bytes) and pads to a multiple of 4.
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

    public static void WriteHeader(Span<byte> framed, JournalEntryType type)
    {
        framed[0] = Version;
        framed[1] = (byte)type;
        framed[2] = 0;
        framed[3] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(framed[4..], Checksum(framed));
    }

    public static bool IsValid(ReadOnlySpan<byte> framed) =>
        framed.Length >= HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(framed[4..]) == Checksum(framed);

    private static uint Checksum(ReadOnlySpan<byte> framed) => Crc32C.Append(Crc32C.Of(framed[..4]), framed[HeaderBytes..]);
}
