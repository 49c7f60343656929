using System.Globalization;
using System.Runtime.InteropServices;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Index;

/// <summary>
/// The files of the indexes of a store, all in one directory. A full segment has a file of its own that never changes
/// (<see cref="SegmentFile"/>); an index has one with what does: the list of its segments with their live masks, and the segment that grows.
/// One thread at a time may write.
/// </summary>
internal sealed class IndexFiles
{
    private const uint Magic = 0x5844_494D; // "MIDX"
    private const int Version = 1;
    private const int Sections = 1 + SegmentFile.Sections;
    private const string SegmentSuffix = ".segment";
    private const string IndexSuffix = ".index";

    private readonly string _directory;
    private readonly Disk _disk;
    private readonly ByteWriter _writer = new();

    /// <param name="directory">Created if it is absent.</param>
    /// <param name="disk">Where it is.</param>
    public IndexFiles(string directory, Disk disk)
    {
        _disk = disk;
        _directory = directory;
        disk.CreateDirectory(directory);
    }

    /// <summary>Writes a full segment.</summary>
    /// <returns>The name of the file.</returns>
    /// <exception cref="IOException">There is no room; nothing is left behind.</exception>
    public Guid Write(SegmentView segment)
    {
        Guid name = Guid.NewGuid();
        WriteOrRemove(SegmentPath(name), path => SegmentFile.Write(path, _disk, segment));
        CrashPoints.Pass(CrashPoints.IndexSegmentWritten);
        return name;
    }

    /// <summary>Maps the eight-bit codes of a segment that was written by <see cref="Write(SegmentView)"/>.</summary>
    public MappedByteRows Map(Guid file, SegmentView segment) => SegmentFile.MapRows(SegmentPath(file), _disk, segment);

    /// <summary>Writes an index: its own file, and those of full segments that have none yet.</summary>
    /// <exception cref="IOException">There is no room.</exception>
    public void Save(IndexCapture capture)
    {
        for (int position = 0; position < capture.Segments.Count; position++)
        {
            (Segment segment, SegmentView view) = capture.Segments[position];
            if (position != capture.Head && view.Count > 0 && segment.File == Guid.Empty)
            {
                segment.File = Write(view);
            }
        }

        WriteOrRemove(IndexPath(capture.Token), path => Write(path, capture));
    }

    /// <summary>Reads an index with all its segments.</summary>
    /// <param name="token">Its name.</param>
    /// <param name="seed">Its seed.</param>
    /// <exception cref="InvalidDataException">A file is damaged, or of another version or index.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public IndexImage Read(Guid token, ulong seed)
    {
        using var file = SectionFile.Open(IndexPath(token), _disk, Magic, Version, Sections);
        var reader = new ByteReader(file.Read<byte>(0));
        ulong foundSeed = (ulong)reader.Int64();
        int dimension = reader.Int32();
        int head = reader.Int32();
        double[] sum = MemoryMarshal.Cast<byte, double>(reader.Bytes()).ToArray();
        long summed = reader.Int64();
        int centredOn = reader.Int32();
        int count = reader.Int32();
        if (foundSeed != seed || dimension < 1 || sum.Length != dimension || count < 0 || head >= count)
        {
            throw new InvalidDataException($"'{IndexPath(token)}' is the file of another index.");
        }

        var rotation = new RotationSigns(dimension, seed);
        var parts = new (Guid File, ulong[] Live)[count];
        for (int position = 0; position < count; position++)
        {
            parts[position] = (reader.Guid(), MemoryMarshal.Cast<byte, ulong>(reader.Bytes()).ToArray());
        }

        var segments = new Segment[count];
        try
        {
            Parallel.For(
                0,
                count,
                new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
                position => segments[position] = Read(file, parts[position].File, parts[position].Live, position == head, rotation));
        }
        catch (AggregateException e)
        {
            foreach (Segment? segment in segments)
            {
                segment?.Unmap();
            }

            throw new InvalidDataException(e.InnerExceptions[0].Message, e.InnerExceptions[0]);
        }

        return new IndexImage(token, rotation, dimension, head, segments, sum, summed, centredOn);
    }

    /// <summary>Compares the checksums of a file.</summary>
    /// <exception cref="InvalidDataException">It is damaged or of another version.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static void Verify(string path)
    {
        if (path.EndsWith(SegmentSuffix, StringComparison.Ordinal))
        {
            SegmentFile.Verify(path, Disk.Default);
            return;
        }

        using var file = SectionFile.Open(path, Disk.Default, Magic, Version, Sections);
        file.Verify();
    }

    /// <summary>Deletes all files but some.</summary>
    public void Sweep(IReadOnlySet<Guid> kept)
    {
        foreach (string path in Directory.EnumerateFiles(_directory))
        {
            if (!Guid.TryParseExact(Path.GetFileNameWithoutExtension(path), "N", out Guid name) || !kept.Contains(name))
            {
                try
                {
                    _disk.Delete(path);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Some systems keep files that are still mapped. The next time will do.
                }
            }
        }
    }

    private static string Name(Guid name, string suffix) => name.ToString("N", CultureInfo.InvariantCulture) + suffix;

    private void WriteOrRemove(string path, Action<string> write)
    {
        try
        {
            write(path);
        }
        catch
        {
            _disk.Delete(path);
            throw;
        }
    }

    private void Write(string path, IndexCapture capture)
    {
        ByteWriter writer = _writer;
        writer.Clear();
        writer.Int64((long)capture.Seed);
        writer.Int32(capture.Dimension);
        writer.Int32(capture.Head);
        writer.Bytes(MemoryMarshal.AsBytes(capture.Sum.AsSpan()));
        writer.Int64(capture.Summed);
        writer.Int32(capture.CentredOn);
        writer.Int32(capture.Segments.Count);
        foreach ((Segment segment, SegmentView view) in capture.Segments)
        {
            writer.Guid(segment.File);
            writer.Bytes(MemoryMarshal.AsBytes(view.Live));
        }

        using var file = new SectionFileWriter(path, _disk, Magic, Version, Sections);
        file.Section(writer.Written);
        if (capture.Head >= 0 && capture.Segments[capture.Head].View.Count > 0)
        {
            SegmentFile.Write(file, capture.Segments[capture.Head].View);
        }
        else
        {
            for (int section = 0; section < SegmentFile.Sections; section++)
            {
                file.Section([]);
            }
        }

        file.Finish(flush: false);
    }

    private Segment Read(SectionFile indexFile, Guid name, ulong[] live, bool isHead, RotationSigns rotation)
    {
        if (live.Length == 0)
        {
            return new Segment(rotation.Dimension, Segment.NoCentre(rotation.Dimension), rotation);
        }

        if (isHead)
        {
            return Segment.Reopen(SegmentFile.Read(indexFile, 1, rotation, live));
        }

        Segment segment = SegmentFile.Read(SegmentPath(name), _disk, rotation, live);
        segment.File = name;
        return segment;
    }

    private string SegmentPath(Guid name) => Path.Combine(_directory, Name(name, SegmentSuffix));

    private string IndexPath(Guid name) => Path.Combine(_directory, Name(name, IndexSuffix));
}
