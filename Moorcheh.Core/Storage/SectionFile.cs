using System.Buffers;
using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Moorcheh.Storage;

/// <summary>
/// A file of checked sections: see <see cref="SectionFileWriter"/>. What is asked for is read and its checksum compared on the way: never
/// through a mapping, where a bad sector or a file that is cut meanwhile ends the process instead of failing the read. Any number of
/// threads may read.
/// </summary>
internal sealed class SectionFile : IDisposable
{
    public const int HeaderBytes = 16;
    public const int EntryBytes = 24;
    private const int BufferBytes = 1 << 18;

    private readonly Disk _disk;
    private readonly DiskFile _file;
    private readonly byte[] _front;
    private readonly int _sections;

    private SectionFile(DiskFile file, Disk disk, int sections)
    {
        _disk = disk;
        _file = file;
        _sections = sections;
        _front = new byte[FrontBytes(sections)];
    }

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

    /// <summary>Opens a file and checks its front. Sections are checked when they are read.</summary>
    /// <exception cref="InvalidDataException">It is damaged or of another kind or version.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static SectionFile Open(string path, Disk disk, uint magic, int version, int sections)
    {
        var file = new DiskFile(
            path, writeThrough: false, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.None));
        var opened = new SectionFile(file, disk, sections);
        try
        {
            opened.ReadFront(magic, version);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The length of a section in bytes.</summary>
    public long Length(int section) => BinaryPrimitives.ReadInt64LittleEndian(Entry(section)[8..]);

    /// <summary>A section as a whole, checked.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or no array of whole values.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public unsafe T[] Read<T>(int section)
        where T : unmanaged
    {
        long length = Length(section);
        if (length > Array.MaxLength || length % sizeof(T) != 0)
        {
            throw new InvalidDataException($"Section {section} of '{_file.Path}' has {length} bytes.");
        }

        var values = new T[length / sizeof(T)];
        Span<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan());
        ReadAt(bytes, Start(section));
        Compare(section, Crc32C.Append(Crc32C.Start, bytes));
        return values;
    }

    /// <summary>A section as arrays of equal length, checked as a whole.</summary>
    /// <param name="section">Number of the section.</param>
    /// <param name="parts">Number of arrays, at least 1.</param>
    /// <param name="partBytes">Length of each.</param>
    /// <param name="lastBytes">How many bytes of the last part to keep.</param>
    /// <exception cref="InvalidDataException">It is damaged, or its length is another.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public byte[][] ReadParts(int section, int parts, int partBytes, int lastBytes)
    {
        RequireLength(section, (long)parts * partBytes);
        uint checksum = Crc32C.Start;
        byte[][] read = new byte[parts][];
        for (int i = 0; i < parts; i++)
        {
            read[i] = new byte[i == parts - 1 ? lastBytes : partBytes];
            ReadAt(read[i], Start(section) + ((long)i * partBytes));
            checksum = Crc32C.Append(checksum, read[i]);
        }

        long left = partBytes - lastBytes;
        Compare(section, Checksum(checksum, Start(section) + Length(section) - left, left));
        return read;
    }

    /// <summary>Reads a section and compares its checksum.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Verify(int section) => Compare(section, Checksum(Crc32C.Start, Start(section), Length(section)));

    /// <summary>As <see cref="Verify(int)"/>, for all sections.</summary>
    public void Verify()
    {
        for (int section = 0; section < _sections; section++)
        {
            Verify(section);
        }
    }

    /// <summary>Maps a section, whatever it holds; the mapping outlives this.</summary>
    /// <exception cref="InvalidDataException">Its length is another, or the file has become shorter.</exception>
    /// <exception cref="IOException">It cannot be mapped.</exception>
    public MemoryMappedViewAccessor Map(int section, long length)
    {
        RequireLength(section, length);
        long fileLength = RandomAccess.GetLength(_file.Handle);
        if (fileLength < Start(section) + length)
        {
            throw CutShort(fileLength);
        }

        using var mapped = MemoryMappedFile.CreateFromFile(_file.Handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        return mapped.CreateViewAccessor(Start(section), length, MemoryMappedFileAccess.Read);
    }

    public void Dispose() => _file.Dispose();

    private ReadOnlySpan<byte> Entry(int section) => _front.AsSpan(HeaderBytes + (section * EntryBytes), EntryBytes);

    private long Start(int section) => BinaryPrimitives.ReadInt64LittleEndian(Entry(section));

    private void RequireLength(int section, long expected)
    {
        if (Length(section) is var length && length != expected)
        {
            throw new InvalidDataException($"Section {section} of '{_file.Path}' has {length} bytes; {expected} are needed.");
        }
    }

    /// <summary>Goes on with a checksum over bytes of the file.</summary>
    private uint Checksum(uint checksum, long at, long length)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (length > 0)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(length, buffer.Length));
                ReadAt(part, at);
                checksum = Crc32C.Append(checksum, part);
                at += part.Length;
                length -= part.Length;
            }

            return checksum;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Compare(int section, uint checksum)
    {
        if (checksum != BinaryPrimitives.ReadUInt32LittleEndian(Entry(section)[16..]))
        {
            throw new InvalidDataException($"Section {section} of '{_file.Path}' is damaged.");
        }
    }

    private void ReadAt(Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int read = _disk.Read(_file, bytes, offset);
            if (read == 0)
            {
                throw CutShort(offset);
            }

            bytes = bytes[read..];
            offset += read;
        }
    }

    private InvalidDataException CutShort(long length) => new($"'{_file.Path}' ends after {length} bytes, within a section or its front.");

    private void ReadFront(uint magic, int version)
    {
        ReadAt(_front, 0);
        ReadOnlySpan<byte> front = _front;
        long fileLength = RandomAccess.GetLength(_file.Handle);
        bool isSound = BinaryPrimitives.ReadUInt32LittleEndian(front) == magic
            && BinaryPrimitives.ReadInt32LittleEndian(front[4..]) == version
            && BinaryPrimitives.ReadInt32LittleEndian(front[8..]) == _sections
            && BinaryPrimitives.ReadUInt32LittleEndian(front[^4..]) == Crc32C.Of(front[..^4]);
        for (int section = 0; isSound && section < _sections; section++)
        {
            long start = Start(section);
            long length = Length(section);
            isSound = start >= front.Length && start % SectionFileWriter.Alignment == 0 && length >= 0 && start <= fileLength && length <= fileLength - start;
        }

        if (!isSound)
        {
            throw new InvalidDataException($"The front of '{_file.Path}' is damaged, or of another kind or version.");
        }
    }
}
