using System.IO.MemoryMappedFiles;
using Moorcheh.Kernels;
using Moorcheh.Storage;

namespace Moorcheh.Index;

/// <summary>
/// The eight-bit tier of a sealed segment in its memory-mapped file: the system keeps in memory what searches touch, and may drop it at
/// any time. It was read and checked, or written and flushed, before; who cuts the file while it is mapped ends the process
/// (docs/durability.md). Spans of it must not be used once it is disposed; without that, the collector unmaps it when nothing refers to
/// it any more.
/// </summary>
internal sealed unsafe class MappedByteRows : IByteRows, IDisposable
{
    private const int FactorBytes = BlockLayout.FactorsPerBlock * sizeof(float);

    private readonly MemoryMappedViewAccessor _view;
    private readonly long _length;
    private readonly int _blockBytes;
    private byte* _start;

    /// <param name="file">Not needed afterwards.</param>
    /// <param name="section">The section with the blocks.</param>
    /// <param name="blocks">Number of blocks, at least 1.</param>
    /// <param name="paddedDimension">Bytes of a row.</param>
    /// <exception cref="InvalidDataException">The section has another length.</exception>
    /// <exception cref="IOException">It cannot be mapped.</exception>
    public MappedByteRows(SectionFile file, int section, int blocks, int paddedDimension)
    {
        _blockBytes = MemoryByteRows.BlockBytes(paddedDimension);
        _length = (long)blocks * _blockBytes;
        _view = file.Map(section, _length);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;

        // The collector, which unmaps what nobody reads any more, sees a few small objects only.
        GC.AddMemoryPressure(_length);
    }

    ~MappedByteRows() => Unmap();

    public ReadOnlySpan<float> Factors(int block) => new(_start + ((long)block * _blockBytes), BlockLayout.FactorsPerBlock);

    public ReadOnlySpan<sbyte> Rows(int block) => new(_start + ((long)block * _blockBytes) + FactorBytes, _blockBytes - FactorBytes);

    /// <summary>Unmaps the file; nobody may read any more.</summary>
    public void Dispose()
    {
        Unmap();
        GC.SuppressFinalize(this);
    }

    private void Unmap()
    {
        if (_start is not null)
        {
            _start = null;
            GC.RemoveMemoryPressure(_length);
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }
    }
}
