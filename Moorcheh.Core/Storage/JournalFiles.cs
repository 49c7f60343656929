using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Moorcheh.Storage;

/// <summary>
/// Reads the journal's files directly, checking every entry, without FASTER: recovery must not hand unchecked bytes to code
/// that trusts them. Addresses are FasterLog's: segment number times segment size plus offset in the file.
/// </summary>
internal sealed class JournalFiles(string path, Disk disk) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, SafeFileHandle> _handles = [];

    /// <summary>Path without the segment number.</summary>
    public string Path { get; } = path;

    /// <summary>True when there is no file.</summary>
    public bool IsEmpty => !Segments().Any();

    /// <summary>True when it still begins where journals begin: no checkpoint has cut it.</summary>
    public bool IsWhole => Segments().Contains(0);

    /// <summary>First address of the page after the one that holds <paramref name="address"/>.</summary>
    public static long NextPage(long address) => (address / FasterSettings.PageBytes + 1) * FasterSettings.PageBytes;

    /// <summary>
    /// Visits the entries from an address on until there are no more or one is not valid.
    /// </summary>
    /// <param name="from">Where an entry ends, or the journal begins.</param>
    /// <param name="visit">Receives each.</param>
    /// <param name="startsWithEntry">True when <paramref name="from"/> is the address of an entry, so that the end of the one before is not known.</param>
    /// <returns>Where the valid entries end.</returns>
    public long Scan(long from, JournalVisitor visit, bool startsWithEntry = false)
    {
        var reader = new JournalReader(this, from, startsWithEntry);
        while (reader.Read())
        {
            visit(reader.Address, reader.Type, reader.Body.Span);
        }

        return reader.End;
    }

    /// <summary>Reads one entry that is known to be there.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: there is no valid entry of that type.</exception>
    public byte[] Read(long address, JournalEntryType type)
    {
        Span<byte> header = stackalloc byte[JournalFrame.LengthBytes];
        int length = ReadAt(address, header) == header.Length ? BinaryPrimitives.ReadInt32LittleEndian(header) : 0;
        if (length < JournalFrame.HeaderBytes || length > FasterSettings.PageBytes)
        {
            throw Damaged(address);
        }

        byte[] framed = new byte[length];
        if (ReadAt(address + JournalFrame.LengthBytes, framed) != length
            || !JournalFrame.IsValid(framed)
            || framed[1] != (byte)type)
        {
            throw Damaged(address);
        }

        return framed;
    }

    /// <summary>
    /// Removes everything from an address on, where the entries end, and marks its page as ended, so that a journal can go on at
    /// the next page.
    /// </summary>
    /// <param name="address">Where the entries end.</param>
    /// <param name="committedUntil">
    /// What is before it is on disk. The write of entries from there on may have failed before the process ended, and the system may have told nobody but it:
    /// they are written anew.
    /// </param>
    public void CutAt(long address, long committedUntil)
    {
        foreach (long segment in Segments().Where(segment => segment > SegmentOf(address)).OrderDescending())
        {
            Close(segment);
            disk.Delete(FileOf(segment));
        }

        // What a killed process was writing counts from here on, so it must be on disk: it may be in more than one file.
        foreach (long segment in Segments().Where(segment => segment < SegmentOf(address)))
        {
            using DiskFile earlier = disk.Open(FileOf(segment), FileMode.Open, FileShare.ReadWrite | FileShare.Delete, writeThrough: true);
            WriteAnew(earlier, Math.Max(committedUntil, segment * FasterSettings.SegmentBytes), (segment + 1) * FasterSettings.SegmentBytes);
            disk.Flush(earlier);
        }

        Close(SegmentOf(address));
        using DiskFile file = disk.Open(FileOf(SegmentOf(address)), FileMode.OpenOrCreate, FileShare.None, writeThrough: true);
        long offset = address % FasterSettings.SegmentBytes;
        if (RandomAccess.GetLength(file.Handle) > offset)
        {
            disk.SetLength(file, offset);
        }

        WriteAnew(file, Math.Max(committedUntil, SegmentOf(address) * FasterSettings.SegmentBytes), address);
        if (address % FasterSettings.PageBytes != 0)
        {
            byte[] end = new byte[JournalFrame.SpaceOf(JournalFrame.HeaderBytes)];
            BinaryPrimitives.WriteInt32LittleEndian(end, JournalFrame.HeaderBytes);
            JournalFrame.WriteHeader(end.AsSpan(JournalFrame.LengthBytes), JournalEntryType.PageEnd, address);
            disk.Write(file, end, offset);
        }

        disk.Flush(file);
        disk.FlushDirectory(System.IO.Path.GetDirectoryName(Path)!); // The file may be new, and the ones behind it are gone.
    }

    /// <summary>Forgets handles of files that were deleted.</summary>
    public void Forget(long beforeAddress)
    {
        lock (_lock)
        {
            foreach (long segment in _handles.Keys.Where(segment => segment < SegmentOf(beforeAddress)).ToList())
            {
                Close(segment);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (SafeFileHandle handle in _handles.Values)
            {
                handle.Dispose();
            }

            _handles.Clear();
        }
    }

    private static long SegmentOf(long address) => address / FasterSettings.SegmentBytes;

    private void WriteAnew(DiskFile file, long from, long until)
    {
        byte[] page = new byte[FasterSettings.PageBytes];
        for (long at = from; at < until;)
        {
            int read = disk.Read(file, page.AsSpan(0, (int)Math.Min(page.Length, until - at)), at % FasterSettings.SegmentBytes);
            if (read == 0)
            {
                return; // A page's end, where nothing was written.
            }

            disk.Write(file, page.AsSpan(0, read), at % FasterSettings.SegmentBytes);
            at += read;
        }
    }

    /// <summary>Reads from one segment, unchecked, up to as many bytes as there are.</summary>
    public int ReadAt(long address, Span<byte> destination)
    {
        SafeFileHandle? file = Open(SegmentOf(address));
        if (file is null)
        {
            return 0;
        }

        int done = 0;
        while (done < destination.Length)
        {
            int read = RandomAccess.Read(file, destination[done..], (address % FasterSettings.SegmentBytes) + done);
            if (read == 0)
            {
                break;
            }

            done += read;
        }

        return done;
    }

    private SafeFileHandle? Open(long segment)
    {
        lock (_lock)
        {
            if (_handles.TryGetValue(segment, out SafeFileHandle? handle))
            {
                return handle;
            }

            string file = FileOf(segment);
            if (!File.Exists(file))
            {
                return null;
            }

            handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            _handles.Add(segment, handle);
            return handle;
        }
    }

    private void Close(long segment)
    {
        lock (_lock)
        {
            if (_handles.Remove(segment, out SafeFileHandle? handle))
            {
                handle.Dispose();
            }
        }
    }

    private string FileOf(long segment) => FasterSettings.SegmentPath(Path, segment * FasterSettings.SegmentBytes);

    private IEnumerable<long> Segments()
    {
        string directory = System.IO.Path.GetDirectoryName(Path)!;
        string prefix = System.IO.Path.GetFileName(Path) + ".";
        return Directory.EnumerateFiles(directory, prefix + "*")
            .Select(file => System.IO.Path.GetFileName(file)[prefix.Length..])
            .Where(suffix => long.TryParse(suffix, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(suffix => long.Parse(suffix, CultureInfo.InvariantCulture));
    }

    private MoorchehException Damaged(long address) =>
        new(ErrorCodes.StorageDamaged, $"The journal entry at address {address} of '{Path}' is damaged.")
        {
            Facts = new Dictionary<string, object> { ["Where"] = $"{Path}@{address}" },
        };
}

/// <summary>Called for each entry of a scan; the body is only valid during the call.</summary>
internal delegate void JournalVisitor(long address, JournalEntryType type, ReadOnlySpan<byte> body);
