using System.Runtime.InteropServices;
using Moorcheh.Kernels;
using Moorcheh.Storage;

namespace Moorcheh.Index;

/// <summary>
/// The eight-bit tier of a segment that still grows, in memory. One writer; readers may read slots that were published. Blocks grow
/// row by row at first, because most namespaces are small.
/// </summary>
internal sealed class MemoryByteRows(int paddedDimension) : IByteRows
{
    private const int FactorBytes = BlockLayout.FactorsPerBlock * sizeof(float);

    // Readers may hold an older array of blocks, or read an older array of a block: both keep what was published.
    private volatile byte[][] _blocks = [];

    /// <summary>Bytes of a whole block.</summary>
    public static int BlockBytes(int paddedDimension) => FactorBytes + (BlockLayout.SlotsPerBlock * paddedDimension);

    /// <summary>Reads blocks from a section of a file; the last one is whole there.</summary>
    /// <exception cref="InvalidDataException">The section is damaged, or its length is another.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static MemoryByteRows Read(SectionFile file, int section, int slots, int paddedDimension)
    {
        int last = ((slots - 1) % BlockLayout.SlotsPerBlock) + 1;
        return new MemoryByteRows(paddedDimension)
        {
            _blocks = file.ReadParts(section, BlockLayout.Blocks(slots), BlockBytes(paddedDimension), FactorBytes + (last * paddedDimension)),
        };
    }

    public ReadOnlySpan<float> Factors(int block) => MemoryMarshal.Cast<byte, float>(_blocks[block].AsSpan(0, FactorBytes));

    public ReadOnlySpan<sbyte> Rows(int block) => MemoryMarshal.Cast<byte, sbyte>(_blocks[block].AsSpan(FactorBytes));

    /// <summary>Room for the row of a slot, which is the next one.</summary>
    public Span<sbyte> NextRow(int slot)
    {
        int block = slot / BlockLayout.SlotsPerBlock;
        int lane = slot % BlockLayout.SlotsPerBlock;
        if (block == _blocks.Length)
        {
            byte[][] more = new byte[Math.Max(1, block * 2)][];
            _blocks.CopyTo(more, 0);
            _blocks = more;
        }

        byte[]? bytes = _blocks[block];
        int rows = bytes is null ? 0 : (bytes.Length - FactorBytes) / paddedDimension;
        if (lane >= rows)
        {
            // Only the first block starts small.
            int length = block > 0 ? BlockLayout.SlotsPerBlock : Math.Min(BlockLayout.SlotsPerBlock, Math.Max(1, rows * 2));
            byte[] larger = new byte[FactorBytes + (length * paddedDimension)];
            bytes?.CopyTo(larger, 0);
            Volatile.Write(ref _blocks[block], larger);
        }

        return MemoryMarshal.Cast<byte, sbyte>(_blocks[block].AsSpan(FactorBytes + (lane * paddedDimension), paddedDimension));
    }

    public void SetFactors(int slot, float scale, float error)
    {
        Span<float> factors = MemoryMarshal.Cast<byte, float>(_blocks[slot / BlockLayout.SlotsPerBlock].AsSpan(0, FactorBytes));
        factors[slot % BlockLayout.SlotsPerBlock] = scale;
        factors[BlockLayout.SlotsPerBlock + (slot % BlockLayout.SlotsPerBlock)] = error;
    }
}
