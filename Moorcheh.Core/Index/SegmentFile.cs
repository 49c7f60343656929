using System.Buffers;
using System.Runtime.InteropServices;
using Moorcheh.Index.Postings;
using Moorcheh.Kernels;
using Moorcheh.Storage;

namespace Moorcheh.Index;

/// <summary>
/// The file of a segment: everything but its live mask. Sections: dimension, slots and first record number (4, 4, 8 bytes); centre; one-bit
/// codes; their factors; record numbers less the first one (4 each); ends of ids (4 each); ids; postings (<see cref="SealedPostings"/>) and
/// values (<see cref="ValueRun"/>);
/// eight-bit blocks as in <see cref="IByteRows"/>, 128 floats and 64 rows each. The file holds nothing that is not in the records: what
/// a power cut leaves of it fails the checksums and is made anew.
/// </summary>
internal static class SegmentFile
{
    private const uint Magic = 0x4745_534D; // "MSEG"

    // Of the layout and of the encoding: codes made by other formulas are of no use.
    private const int Version = 1;

    // The last one: the eight-bit blocks.
    private const int RowsSection = 8;

    /// <summary>Sections a segment takes.</summary>
    public const int Sections = RowsSection + 1;

    /// <summary>Writes a segment to a file of its own.</summary>
    /// <exception cref="IOException">There is no room, or the file cannot be created.</exception>
    public static void Write(string path, Disk disk, SegmentView segment)
    {
        using var file = new SectionFileWriter(path, disk, Magic, Version, Sections);
        Write(file, segment);
        file.Finish(flush: true);
    }

    /// <summary>Compares the checksums of a file.</summary>
    /// <exception cref="InvalidDataException">It is damaged or of another version.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static void Verify(string path, Disk disk)
    {
        using var file = SectionFile.Open(path, disk, Magic, Version, Sections);
        file.Verify();
    }

    /// <summary>Writes the sections of a segment.</summary>
    public static void Write(SectionFileWriter file, SegmentView segment)
    {
        var writer = new ByteWriter();
        writer.Int32(segment.Dimension);
        writer.Int32(segment.Count);
        writer.Int64(segment.FirstRecord);
        file.Section(writer.Written);
        file.Section(MemoryMarshal.AsBytes(segment.Centre.Span));
        WriteBlocks(file, segment.Codes, BlockLayout.CodeBytesPerBlock(segment.Rotation.PaddedDimension), segment.Count);
        WriteBlocks(file, segment.Factors, BlockLayout.FactorsPerBlock, segment.Count);
        file.Section(MemoryMarshal.AsBytes(segment.RecordOffsets));
        file.Section(MemoryMarshal.AsBytes(segment.IdEnds));
        file.Section(segment.Ids);
        writer.Clear();
        segment.Postings.Pack().Write(writer);
        segment.Values.Pack().Write(writer);
        file.Section(writer.Written);
        WriteRows(file, segment);
    }

    /// <summary>Reads a segment; its eight-bit codes are read, too, and then stay in the file, which is mapped.</summary>
    /// <param name="path">Path.</param>
    /// <param name="disk">Where it is.</param>
    /// <param name="rotation">Of the namespace.</param>
    /// <param name="live">One bit a slot.</param>
    /// <exception cref="InvalidDataException">The file is damaged or of another version.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static Segment Read(string path, Disk disk, RotationSigns rotation, ulong[] live)
    {
        using var file = SectionFile.Open(path, disk, Magic, Version, Sections);
        file.Verify(RowsSection);
        return Read(file, 0, rotation, live, slots => new MappedByteRows(file, RowsSection, BlockLayout.Blocks(slots), rotation.PaddedDimension));
    }

    /// <summary>As the other one, from sections of an index file, with all codes in memory.</summary>
    public static Segment Read(SectionFile file, int first, RotationSigns rotation, ulong[] live) =>
        Read(file, first, rotation, live, slots => MemoryByteRows.Read(file, first + RowsSection, slots, rotation.PaddedDimension));

    /// <summary>Maps the eight-bit codes of a file this process wrote.</summary>
    public static MappedByteRows MapRows(string path, Disk disk, SegmentView segment)
    {
        using var file = SectionFile.Open(path, disk, Magic, Version, Sections);
        return new MappedByteRows(file, RowsSection, segment.Blocks, segment.Rotation.PaddedDimension);
    }

    private static Segment Read(SectionFile file, int first, RotationSigns rotation, ulong[] live, Func<int, IByteRows> openRows)
    {
        var meta = new ByteReader(file.Read<byte>(first));
        int dimension = meta.Int32();
        int count = meta.Int32();
        long firstRecord = meta.Int64();
        float[] centre = file.Read<float>(first + 1);
        if (dimension != centre.Length || rotation.PaddedDimension != BlockLayout.PaddedDimension(dimension) || count is < 1 or > Segment.Capacity)
        {
            throw new InvalidDataException($"The segment has {count} slots, {dimension} values a vector and a centre of {centre.Length}.");
        }

        byte[] codes = file.Read<byte>(first + 2);
        float[] factors = file.Read<float>(first + 3);
        int[] recordOffsets = file.Read<int>(first + 4);
        int[] idEnds = file.Read<int>(first + 5);
        byte[] ids = file.Read<byte>(first + 6);
        var reader = new ByteReader(file.Read<byte>(first + 7));
        SealedPostings postings = SealedPostings.Read(ref reader) ?? throw new InvalidDataException("The segment's postings are of another version.");
        ValueRun values = ValueRun.Read(ref reader, count) ?? throw new InvalidDataException("The segment's values are of another version.");
        IByteRows rows = openRows(count);
        try
        {
            return new Segment(
                rotation,
                centre.AsSpan().ContainsAnyExcept(0f) ? centre : Segment.NoCentre(dimension),
                new SegmentParts(count, codes, factors, live, firstRecord, recordOffsets, idEnds, ids, postings, values, rows));
        }
        catch
        {
            (rows as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>Writes blocks of rows of 64 values; columns behind the last slot, which a writer may be filling, become zero.</summary>
    private static void WriteBlocks<T>(SectionFileWriter file, ReadOnlySpan<T> blocks, int blockLength, int count)
        where T : unmanaged
    {
        file.Begin();
        int whole = count / BlockLayout.SlotsPerBlock * blockLength;
        file.Append(MemoryMarshal.AsBytes(blocks[..whole]));
        int left = count % BlockLayout.SlotsPerBlock;
        if (left > 0)
        {
            T[] rented = ArrayPool<T>.Shared.Rent(blockLength);
            Span<T> last = rented.AsSpan(0, blockLength);
            blocks.Slice(whole, blockLength).CopyTo(last);
            for (int row = 0; row < blockLength; row += BlockLayout.SlotsPerBlock)
            {
                last.Slice(row + left, BlockLayout.SlotsPerBlock - left).Clear();
            }

            file.Append(MemoryMarshal.AsBytes(last));
            ArrayPool<T>.Shared.Return(rented);
        }

        file.End();
    }

    /// <summary>Writes the eight-bit blocks, the last one filled up with zeros.</summary>
    private static void WriteRows(SectionFileWriter file, SegmentView segment)
    {
        file.Begin();
        int rowBytes = segment.Rotation.PaddedDimension;
        float[] factors = new float[BlockLayout.FactorsPerBlock];
        for (int block = 0; block < segment.Blocks; block++)
        {
            int slots = Math.Min(BlockLayout.SlotsPerBlock, segment.Count - (block * BlockLayout.SlotsPerBlock));
            segment.Rows.Factors(block).CopyTo(factors);
            factors.AsSpan(slots, BlockLayout.SlotsPerBlock - slots).Clear();
            factors.AsSpan(BlockLayout.SlotsPerBlock + slots).Clear();
            file.Append(MemoryMarshal.AsBytes(factors.AsSpan()));
            file.Append(MemoryMarshal.AsBytes(segment.Rows.Rows(block)[..(slots * rowBytes)]));
            file.AppendZeros((BlockLayout.SlotsPerBlock - slots) * rowBytes);
        }

        file.End();
    }
}
