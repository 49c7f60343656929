using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace Moorcheh.Storage;

/// <summary>
/// A file of checked sections, memory-mapped: see <see cref="SectionFileWriter"/>. Any number of threads may read it. Spans of it must not
/// be used once it is disposed; without that, the collector closes it when nothing refers to it any more.
/// </summary>
internal sealed unsafe class SectionFile : IDisposable
{
    public const int HeaderBytes = 16;
    public const int EntryBytes = 24;

    private readonly string _path;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long _length;
    private readonly int _sections;
    private byte* _start;

    private SectionFile(string path, MemoryMappedFile file, long length, int sections)
    {
        _sections = sections;
        _path = path;
        _file = file;
        _length = length;
        _view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;

        // The collector, which closes files nobody reads any more, sees a few small objects only.
        GC.AddMemoryPressure(length);
    }

    ~SectionFile() => Close();

    public static int FrontBytes(int sections) => HeaderBytes + (sections * EntryBytes) + 4;

    /// <summary>True when a file has no front, which is written last.</summary>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static bool IsUnfinished(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        Span<byte> front = stackalloc byte[HeaderBytes];
        int read = stream.ReadAtLeast(front, front.Length, throwOnEndOfStream: false);
        return front[..read].IndexOfAnyExcept((byte)0) < 0;
    }

    /// <summary>Maps a file and checks its front. Sections are checked by <see cref="Verify"/>.</summary>
    /// <exception cref="InvalidDataException">It is damaged or of another kind or version.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static SectionFile Open(string path, uint magic, int version, int sections)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        long length = stream.Length;
        if (length < FrontBytes(sections))
        {
            stream.Dispose();
            throw new InvalidDataException($"'{path}' has {length} bytes, less than its front.");
        }

        SectionFile opened;
        try
        {
            opened = new SectionFile(
                path, MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false), length, sections);
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        try
        {
            opened.CheckFront(magic, version);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of a section.</summary>
    public ReadOnlySpan<byte> Section(int section)
    {
        byte* start = Start(section, out long length);
        return length <= int.MaxValue
            ? new ReadOnlySpan<byte>(start, (int)length)
            : throw new InvalidDataException($"Section {section} of '{_path}' has {length} bytes.");
    }

    /// <summary>Where a section begins in memory, and its length in bytes.</summary>
    public byte* Start(int section, out long length)
    {
        ReadOnlySpan<byte> entry = Entry(section);
        length = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
        return _start + BinaryPrimitives.ReadInt64LittleEndian(entry);
    }

    /// <summary>Compares the checksum of every section.</summary>
    /// <exception cref="InvalidDataException">One differs.</exception>
    public void Verify()
    {
        for (int section = 0; section < _sections; section++)
        {
            byte* start = Start(section, out long length);
            uint checksum = Crc32C.Start;
            for (long done = 0; done < length;)
            {
                int part = (int)Math.Min(length - done, 1 << 30);
                checksum = Crc32C.Append(checksum, new ReadOnlySpan<byte>(start + done, part));
                done += part;
            }

            if (checksum != BinaryPrimitives.ReadUInt32LittleEndian(Entry(section)[16..]))
            {
                throw new InvalidDataException($"Section {section} of '{_path}' is damaged.");
            }
        }
    }

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private ReadOnlySpan<byte> Entry(int section) => new(_start + HeaderBytes + (section * EntryBytes), EntryBytes);

    private void CheckFront(uint magic, int version)
    {
        var front = new ReadOnlySpan<byte>(_start, FrontBytes(_sections));
        bool isSound = BinaryPrimitives.ReadUInt32LittleEndian(front) == magic
            && BinaryPrimitives.ReadInt32LittleEndian(front[4..]) == version
            && BinaryPrimitives.ReadInt32LittleEndian(front[8..]) == _sections
            && BinaryPrimitives.ReadUInt32LittleEndian(front[^4..]) == Crc32C.Of(front[..^4]);
        for (int section = 0; isSound && section < _sections; section++)
        {
            long start = BinaryPrimitives.ReadInt64LittleEndian(Entry(section));
            long length = BinaryPrimitives.ReadInt64LittleEndian(Entry(section)[8..]);
            isSound = start >= front.Length && start % SectionFileWriter.Alignment == 0 && length >= 0 && start <= _length && length <= _length - start;
        }

        if (!isSound)
        {
            throw new InvalidDataException($"The front of '{_path}' is damaged, or of another kind or version.");
        }
    }

    private void Close()
    {
        if (_start is not null)
        {
            _start = null;
            GC.RemoveMemoryPressure(_length);
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
