using System.Buffers.Binary;
using System.Numerics;

namespace Moorcheh.Storage;

/// <summary>CRC-32C (Castagnoli), as in RFC 3720, over the processor's instruction where there is one.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of nothing, to start a computation in parts with.</summary>
    public const uint Start = 0;

    /// <summary>Goes on with a checksum over further bytes.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        uint state = ~checksum;
        while (bytes.Length >= 8)
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (byte b in bytes)
        {
            state = BitOperations.Crc32C(state, b);
        }

        return ~state;
    }

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(Start, bytes);
}
