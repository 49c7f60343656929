using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Moorcheh.Storage;

/// <summary>
/// The address up to which the journal was committed, written with every group commit. Two slots are written in turn, so a
/// torn write leaves the older one; the journal may then be longer than the marker says, never shorter.
/// </summary>
internal sealed class CommitMarker : IDisposable
{
    private const uint Magic = 0x4D43_4A4D; // "MJCM"
    private const int SlotBytes = 32;
    private const int SlotDistance = 4096; // Two sectors on any disk.

    private readonly Disk _disk;
    private readonly DiskFile _file;
    private readonly byte[] _slot = new byte[SlotBytes];
    private long _sequence;

    public CommitMarker(string path, Disk disk)
    {
        _disk = disk;
        _file = disk.Open(path, FileMode.OpenOrCreate, FileShare.Read, writeThrough: true);
        try
        {
            (_sequence, CommittedUntil) = ReadNewest(_file.Handle);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Everything below this address was committed; 0 when nothing was.</summary>
    public long CommittedUntil { get; private set; }

    /// <summary>False when neither slot holds a commit: the file is new or damaged, and only the journal's files can tell which.</summary>
    public bool IsSound => _sequence > 0;

    /// <summary>
    /// Fills both slots of a new journal, before there is a file of it: from then on a marker without a commit is a damaged one.
    /// </summary>
    public void Begin()
    {
        Write(FasterSettings.FirstAddress);
        Write(FasterSettings.FirstAddress);
        _disk.FlushDirectory(Path.GetDirectoryName(_file.Path)!);
    }

    /// <summary>Records a commit; it is on disk when this returns.</summary>
    public void Write(long committedUntil)
    {
        _sequence++;
        BinaryPrimitives.WriteUInt32LittleEndian(_slot, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(_slot.AsSpan(8), _sequence);
        BinaryPrimitives.WriteInt64LittleEndian(_slot.AsSpan(16), committedUntil);
        BinaryPrimitives.WriteUInt32LittleEndian(_slot.AsSpan(24), Crc32C.Of(_slot.AsSpan(0, 24)));
        _disk.Write(_file, _slot, _sequence % 2 * SlotDistance);
        CommittedUntil = committedUntil;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Reads a marker without changing anything.</summary>
    /// <returns>The address up to which the journal was committed; null when there is none, or neither slot holds one.</returns>
    public static long? Find(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        (long sequence, long committedUntil) = ReadNewest(file);
        return sequence > 0 ? committedUntil : null;
    }

    private static (long Sequence, long CommittedUntil) ReadNewest(SafeFileHandle file)
    {
        (long Sequence, long CommittedUntil) newest = default;
        Span<byte> slot = stackalloc byte[SlotBytes];
        for (int i = 0; i < 2; i++)
        {
            slot.Clear();
            RandomAccess.Read(file, slot, i * SlotDistance);
            long sequence = BinaryPrimitives.ReadInt64LittleEndian(slot[8..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(slot) == Magic
                && BinaryPrimitives.ReadUInt32LittleEndian(slot[24..]) == Crc32C.Of(slot[..24])
                && sequence > newest.Sequence)
            {
                newest = (sequence, BinaryPrimitives.ReadInt64LittleEndian(slot[16..]));
            }
        }

        return newest;
    }
}
