using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>
/// What stands around every record's body: version (1 byte), zero (3), body length (4), CRC-32C (4) over key, the first eight
/// bytes and the body. The key is in the checksum, so a record found under another key is not mistaken for it.
/// </summary>
internal static class RecordEnvelope
{
    public const byte Version = 1;

    public const int HeaderBytes = 12;

    public static void WriteHeader(ReadOnlySpan<byte> key, Span<byte> enveloped)
    {
        enveloped[0] = Version;
        enveloped[1..4].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(enveloped[4..], enveloped.Length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(enveloped[8..], Checksum(key, enveloped));
    }

    /// <summary>The body, or false when the bytes are not what was written under this key.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> enveloped, out ReadOnlySpan<byte> body)
    {
        body = default;
        if (enveloped.Length < HeaderBytes)
        {
            return false;
        }

        // FASTER may give back more bytes than were written when it reuses the space of a longer value.
        int length = BinaryPrimitives.ReadInt32LittleEndian(enveloped[4..]);
        if (length < 0 || length > enveloped.Length - HeaderBytes)
        {
            return false;
        }

        enveloped = enveloped[..(HeaderBytes + length)];
        if (BinaryPrimitives.ReadUInt32LittleEndian(enveloped[8..]) != Checksum(key, enveloped) || enveloped[0] != Version)
        {
            return false;
        }

        body = enveloped[HeaderBytes..];
        return true;
    }

    private static uint Checksum(ReadOnlySpan<byte> key, ReadOnlySpan<byte> enveloped) =>
        Crc32C.Append(Crc32C.Append(Crc32C.Of(key), enveloped[..8]), enveloped[HeaderBytes..]);
}
