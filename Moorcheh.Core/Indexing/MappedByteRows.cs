using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Moorcheh.Kernels;

namespace Moorcheh.Indexing;

/// <summary>
/// The eight-bit tier of a sealed segment in a memory-mapped file: the system keeps in memory what searches touch, and may drop it at any
/// time. The file is written anew each time the store is opened and holds nothing that is not in the records.
/// </summary>
internal sealed unsafe class MappedByteRows : IByteRows
{
    private const int FactorBytes = BlockLayout.FactorsPerBlock * sizeof(float);

    private readonly int _blockBytes;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    /// <summary>Writes the blocks of a segment to a new file and maps it.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public MappedByteRows(string directory, IByteRows source, int blocks, int paddedDimension)
    {
        _blockBytes = FactorBytes + (BlockLayout.SlotsPerBlock * paddedDimension);
        Directory.CreateDirectory(directory);
        var stream = new FileStream(
            Path.Combine(directory, $"{Guid.NewGuid():N}.rows"),
            FileMode.CreateNew,
            FileAccess.ReadWrite,
            FileShare.None,
            bufferSize: 0,
            FileOptions.DeleteOnClose);
        try
        {
            byte[] block = new byte[_blockBytes];
            for (int b = 0; b < blocks; b++)
            {
                MemoryMarshal.AsBytes(source.Factors(b)).CopyTo(block);
                ReadOnlySpan<byte> rows = MemoryMarshal.AsBytes(source.Rows(b));
                rows.CopyTo(block.AsSpan(FactorBytes));
                block.AsSpan(FactorBytes + rows.Length).Clear();
                stream.Write(block);
            }

            stream.Flush();
            _file = MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        _view = _file.CreateViewAccessor(0, (long)blocks * _blockBytes, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    // Readers may hold a view of a segment that was rewritten long ago, so only the collector knows when nobody reads any more.
    ~MappedByteRows()
    {
        if (_start is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }

    public ReadOnlySpan<float> Factors(int block) => new(_start + ((long)block * _blockBytes), BlockLayout.FactorsPerBlock);

    public ReadOnlySpan<sbyte> Rows(int block) => new(_start + ((long)block * _blockBytes) + FactorBytes, _blockBytes - FactorBytes);

    /// <summary>Removes files an earlier run left behind.</summary>
    public static void Clean(string directory)
    {
        if (Directory.Exists(directory))
        {
            foreach (string file in Directory.EnumerateFiles(directory, "*.rows"))
            {
                try
                {
                    File.Delete(file);
                }
                catch (IOException)
                {
                    // A store closed in this process may still be held by the collector. The file holds nothing that is needed.
                }
            }
        }
    }
}
