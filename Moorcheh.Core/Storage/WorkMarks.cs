using System.Buffers.Binary;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>
/// Says on disk what is worked on at the moment. What an opening finds there was at work when the process ended, and is counted; a store that is closed leaves
/// nothing. A mark is in the system's memory before the work begins, which outlives the process, and is flushed for work that a process has ended with before.
/// Work that has seen the end of two processes runs with no other beside it, so that what did it is told from what happened to be at work. A mark that
/// cannot be written holds nothing up. Safe for use from several threads.
/// </summary>
internal sealed class WorkMarks : IDisposable
{
    /// <summary>Ends of a process, while the same work was under way and came no further, after which it is given up.</summary>
    public const int MaxEnds = 5;

    /// <summary>Ends that work has seen from which on it runs alone.</summary>
    public const int AloneFrom = 2;

    /// <summary>Most works of one mark.</summary>
    public const int MaxWorks = 256;

    private const int Magic = 0x4B57_4A4D; // MJWK
    private const int HeaderBytes = 16;
    private const int KeyBytes = 24;
    private const int SlotBytes = 8192;

    private readonly Disk _disk;
    private readonly DiskFile? _file;
    private readonly Lock _lock = new();
    private readonly Stack<int> _free = [];
    private readonly CheckpointGate _gate = new();
    private int _slots;

    /// <summary>Opens or creates the file; where that is not possible there are no marks.</summary>
    public WorkMarks(string path, Disk disk)
    {
        _disk = disk;
        try
        {
            _file = disk.Open(path, FileMode.OpenOrCreate, FileShare.ReadWrite | FileShare.Delete, writeThrough: false);
            Left = [.. Read(disk, _file)];
            long length = RandomAccess.GetLength(_file.Handle);
            WasKilled = length > 0;
            _slots = (int)((length + SlotBytes - 1) / SlotBytes); // Behind what was left, until it is forgotten.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>What was at work when the process before ended.</summary>
    public IReadOnlyList<WorkKey> Left { get; } = [];

    /// <summary>True when the process before did not close: then all work is marked, also such as runs nobody else's code.</summary>
    public bool WasKilled { get; }

    /// <summary>Forgets what was left, before any work is marked: from now on the file is empty only after a close.</summary>
    public void Clear()
    {
        Try(file =>
        {
            _disk.SetLength(file, 0);
            _disk.Write(file, new byte[HeaderBytes], 0);
        });
        _slots = 0;
    }

    /// <summary>Marks work that begins. It waits for work that runs alone, and when it is to run alone, for all other; dispose the result when it ends.</summary>
    /// <param name="works">Up to <see cref="MaxWorks"/>.</param>
    /// <param name="ends">The most ends that one of them has seen.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<Mark> BeginAsync(IReadOnlyList<WorkKey> works, int ends, CancellationToken cancellationToken = default)
    {
        IDisposable place = ends >= AloneFrom
            ? await _gate.EnterCheckpointAsync(cancellationToken).ConfigureAwait(false)
            : await _gate.EnterChangeAsync(cancellationToken).ConfigureAwait(false);
        return Begin(works, ends, place);
    }

    /// <summary>Marks work that begins beside work that runs alone, too.</summary>
    public Mark Begin(WorkKey work, int ends) => Begin([work], ends, null);

    public void Dispose()
    {
        Try(file => _disk.SetLength(file, 0));
        _file?.Dispose();
    }

    private Mark Begin(IReadOnlyList<WorkKey> works, int ends, IDisposable? place)
    {
        int slot;
        lock (_lock)
        {
            slot = _free.Count > 0 ? _free.Pop() : _slots++;
        }

        byte[] bytes = new byte[HeaderBytes + (works.Count * KeyBytes)];
        for (int i = 0; i < works.Count; i++)
        {
            works[i].Write(bytes.AsSpan(HeaderBytes + (i * KeyBytes), KeyBytes));
        }

        BinaryPrimitives.WriteInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), works.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Crc32C.Of(bytes.AsSpan(HeaderBytes)));
        Try(file =>
        {
            _disk.Write(file, bytes, (long)slot * SlotBytes);
            if (ends > 0)
            {
                _disk.Flush(file);
            }
        });
        CrashPoints.Pass(CrashPoints.WorkMarked);
        return new Mark(this, slot, place);
    }

    private static IEnumerable<WorkKey> Read(Disk disk, DiskFile file)
    {
        byte[] slot = new byte[SlotBytes];
        for (long offset = 0; ReadAt(disk, file, slot, offset) >= HeaderBytes; offset += SlotBytes)
        {
            int count = BinaryPrimitives.ReadInt32LittleEndian(slot.AsSpan(4));
            if (BinaryPrimitives.ReadInt32LittleEndian(slot) != Magic
                || count is < 1 or > MaxWorks
                || Crc32C.Of(slot.AsSpan(HeaderBytes, count * KeyBytes)) != BinaryPrimitives.ReadUInt32LittleEndian(slot.AsSpan(8)))
            {
                continue; // Free, or cut off by the end of the machine.
            }

            for (int i = 0; i < count; i++)
            {
                yield return WorkKey.Read(slot.AsSpan(HeaderBytes + (i * KeyBytes), KeyBytes));
            }
        }
    }

    private static int ReadAt(Disk disk, DiskFile file, Span<byte> slot, long offset)
    {
        slot.Clear();
        int done = 0;
        while (done < slot.Length && disk.Read(file, slot[done..], offset + done) is var read and > 0)
        {
            done += read;
        }

        return done;
    }

    private void End(int slot, IDisposable? place)
    {
        Try(file => _disk.Write(file, new byte[HeaderBytes], (long)slot * SlotBytes));
        lock (_lock)
        {
            _free.Push(slot);
        }

        place?.Dispose();
    }

    private void Try(Action<DiskFile> change)
    {
        try
        {
            if (_file is not null)
            {
                change(_file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // Full disk, or a store that closed without waiting for this work: it counts less ends than there were.
        }
    }

    /// <summary>Work under way; dispose it once. The default one marks nothing.</summary>
    public readonly struct Mark(WorkMarks? marks, int slot, IDisposable? place) : IDisposable
    {
        public void Dispose() => marks?.End(slot, place);
    }
}
