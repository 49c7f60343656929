using Moorcheh.Kernels;
using Moorcheh.Storage;

namespace Moorcheh.Indexing;

/// <summary>
/// The eight-bit tier of a sealed segment in its memory-mapped file: the system keeps in memory what searches touch, and may drop it at
/// any time.
/// </summary>
internal sealed unsafe class MappedByteRows : IByteRows, IDisposable
{
    private const int FactorBytes = BlockLayout.FactorsPerBlock * sizeof(float);

    private readonly SectionFile _file;
    private readonly byte* _start;
    private readonly int _blockBytes;

    /// <param name="file">Disposed with this.</param>
    /// <param name="section">The section with the blocks.</param>
    /// <param name="blocks">Number of blocks.</param>
    /// <param name="paddedDimension">Bytes of a row.</param>
    /// <exception cref="InvalidDataException">The section has another length.</exception>
    public MappedByteRows(SectionFile file, int section, int blocks, int paddedDimension)
    {
        _file = file;
        _blockBytes = FactorBytes + (BlockLayout.SlotsPerBlock * paddedDimension);
        _start = file.Start(section, out long length);
        if (length != (long)blocks * _blockBytes)
        {
            throw new InvalidDataException($"{length} bytes do not hold {blocks} blocks of {_blockBytes}.");
        }
    }

    public ReadOnlySpan<float> Factors(int block) => new(_start + ((long)block * _blockBytes), BlockLayout.FactorsPerBlock);

    public ReadOnlySpan<sbyte> Rows(int block) => new(_start + ((long)block * _blockBytes) + FactorBytes, _blockBytes - FactorBytes);

    /// <summary>Unmaps the file; nobody may read any more.</summary>
    public void Dispose() => _file.Dispose();
}
