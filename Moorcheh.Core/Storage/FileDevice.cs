using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using FASTER.core;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>
/// A FASTER device over plain files, one a segment. FASTER's own device for this platform opens every file for write-through; the
/// record log needs to be on disk only when a checkpoint says so, and is flushed then as a whole.
/// </summary>
internal sealed class FileDevice : StorageDeviceBase
{
    private const uint Sector = 512;
    private const int CopyBytes = 1 << 18;
    private const int MaxNotedDamage = 1000;
    private const uint UnknownError = uint.MaxValue;

    private readonly Disk _disk;
    private readonly DiskState _state;
    private readonly bool _writeThrough;
    private readonly bool _flushesNames;
    private readonly BlockChecksums? _checksums;
    private readonly ConcurrentDictionary<int, DiskFile> _files = new();
    private readonly Lock _opening = new();
    private readonly Lock _writing = new();
    private readonly Lock _flushing = new();

    // True: a flush failed, so that what was written before it must be written anew.
    private readonly ConcurrentDictionary<int, bool> _unflushed = new();
    private readonly ConcurrentDictionary<long, bool> _notedDamage = new();
    private volatile Exception? _failure;
    private volatile bool _isDisposed;
    private int _underWay;

    /// <param name="path">Path without the segment number.</param>
    /// <param name="disk">Where it is.</param>
    /// <param name="state">Learns of failed writes.</param>
    /// <param name="writeThrough">True: a write is on disk when it completes. False: after <see cref="FlushToDisk"/>.</param>
    /// <param name="checksums">Where given, what is read is compared, and zeros are read in place of what is damaged.</param>
    /// <param name="flushesNames">False where somebody else flushes the directory before the files count.</param>
    public FileDevice(string path, Disk disk, DiskState state, bool writeThrough, BlockChecksums? checksums = null, bool flushesNames = true)
        : base(path, checksums is null ? Sector : BlockChecksums.BlockBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        _checksums = checksums;
        _disk = disk;
        _state = state;
        _writeThrough = writeThrough;
        _flushesNames = flushesNames;
    }

    /// <summary>The first write or flush that failed; null while all is well.</summary>
    public Exception? Failure => _failure;

    public override void WriteAsync(
        IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite, DeviceIOCompletionCallback callback, object context) =>
        Queue(() => Write(sourceAddress, segmentId, (long)destinationAddress, numBytesToWrite, callback, context));

    public override void ReadAsync(
        int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength, DeviceIOCompletionCallback callback, object context) =>
        Queue(() => Read(segmentId, (long)sourceAddress, destinationAddress, readLength, callback, context));

    /// <summary>
    /// Everything written before the call is on disk when this returns. After a failure the next call first writes anew what the failed one had to flush.
    /// </summary>
    /// <exception cref="FlushException">The flush failed.</exception>
    /// <exception cref="IOException">A write failed while the store was closing.</exception>
    public void FlushToDisk()
    {
        lock (_flushing)
        {
            foreach (int segment in _unflushed.Keys)
            {
                _unflushed.TryRemove(segment, out bool isSuspect);
                try
                {
                    if (isSuspect)
                    {
                        WriteAnew(segment);
                    }

                    _disk.Flush(File(segment));
                }
                catch
                {
                    _unflushed[segment] = true;
                    throw;
                }
            }
        }

        if (_failure is { } failure)
        {
            throw new IOException($"Writing '{FileName}' failed: {failure.Message}", failure);
        }
    }

    /// <summary>Reads, and compares the checksums of whole blocks; what was never written reads as zeros, as in a sparse file.</summary>
    /// <returns>Offset of the first damaged block; -1 when there is none.</returns>
    public int Read(long address, Span<byte> buffer) => Read((int)(address / segmentSize), address % segmentSize, buffer);

    /// <summary>Reads as it is on disk, from one segment.</summary>
    public void ReadUnchecked(long address, Span<byte> buffer) => ReadUnchecked((int)(address / segmentSize), address % segmentSize, buffer);

    /// <summary>Deletes the files that hold nothing from an address on.</summary>
    public void DeleteBefore(long address)
    {
        string directory = Path.GetDirectoryName(FileName)!;
        string prefix = Path.GetFileName(FileName) + ".";
        foreach (string file in Directory.EnumerateFiles(directory, prefix + "*"))
        {
            if (int.TryParse(Path.GetFileName(file).AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int segment)
                && (segment + 1L) * segmentSize <= address)
            {
                if (_files.TryRemove(segment, out DiskFile? open))
                {
                    open.Dispose();
                }

                _unflushed.TryRemove(segment, out _);
                CrashPoints.Pass(CrashPoints.LogSegmentDeleting);
                _checksums?.Forget(segment);
                _disk.Delete(file);
                CrashPoints.Pass(CrashPoints.LogSegmentDeleted);
            }
        }
    }

    /// <summary>
    /// Does nothing: FASTER would delete files with its own checkpoint, before our manifest counts and while the older one still needs
    /// them. See <see cref="DeleteBefore"/>.
    /// </summary>
    public override void RemoveSegment(int segment)
    {
    }

    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) => callback(result);

    public override long GetFileSize(int segment) => segmentSize > 0 ? segmentSize : RandomAccess.GetLength(File(segment).Handle);

    /// <summary>Waits for reads and writes under way: they use memory of FASTER, and files that another store may open next.</summary>
    public override void Dispose()
    {
        _isDisposed = true;
        var wait = default(SpinWait);
        while (Volatile.Read(ref _underWay) > 0)
        {
            wait.SpinOnce();
        }

        foreach (DiskFile file in _files.Values)
        {
            file.Dispose();
        }

        _files.Clear();
    }

    private void Queue(Action operation)
    {
        Interlocked.Increment(ref _underWay);
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                try
                {
                    operation();
                }
                finally
                {
                    Interlocked.Decrement(ref _underWay);
                }
            },
            null);
    }

    private unsafe void Write(
        IntPtr source, int segment, long offset, uint length, DeviceIOCompletionCallback callback, object context, bool isRetry = false)
    {
        uint error = 0;
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed && isRetry, this); // The memory may be somebody else's by now.
            var bytes = new ReadOnlySpan<byte>((void*)source, (int)length);
            if (_checksums is null)
            {
                _disk.Write(File(segment), bytes, offset);
            }
            else
            {
                WriteChecked(_checksums, segment, bytes, offset);
            }

            if (!_writeThrough)
            {
                _unflushed.TryAdd(segment, false);
            }

            if (isRetry)
            {
                _state.Recovered();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !_state.IsClosing)
        {
            // FASTER cannot go on after a failed write. The buffer stays as it is until the callback, so there may be any number of tries.
            _state.Failed(e);
            _state.Retry(() => Write(source, segment, offset, length, callback, context, isRetry: true));
            return;
        }
        catch (Exception e)
        {
            _failure ??= e;
            error = ErrorOf(e);
        }

        callback(error, error == 0 ? length : 0, context);
    }

    /// <summary>Writes a copy: FASTER may mark records while they are written, and then the checksum would be of other bytes.</summary>
    private void WriteChecked(BlockChecksums checksums, int segment, ReadOnlySpan<byte> bytes, long offset)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(Math.Min(bytes.Length, CopyBytes));
        try
        {
            for (int done = 0; done < bytes.Length;)
            {
                Span<byte> part = copy.AsSpan(0, Math.Min(bytes.Length - done, CopyBytes));
                lock (_writing)
                {
                    bytes.Slice(done, part.Length).CopyTo(part);
                    checksums.BeforeWrite((segment * segmentSize) + offset + done, part);
                    _disk.Write(File(segment), part, offset + done);
                }

                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    /// <summary>
    /// Writes what is in the system's memory of a file once more: after a failed flush it may count as written though it is not. Some systems drop it; then it
    /// is not what was written, and only the journal has it.
    /// </summary>
    private void WriteAnew(int segment)
    {
        DiskFile file = File(segment);
        byte[] block = new byte[BlockChecksums.BlockBytes];
        for (long offset = 0; _checksums is not null && offset < RandomAccess.GetLength(file.Handle); offset += block.Length)
        {
            lock (_writing)
            {
                ReadUnchecked(segment, offset, block);
                if (!_checksums.WasWritten((segment * segmentSize) + offset, block, out bool isAsWritten))
                {
                    continue;
                }

                if (!isAsWritten)
                {
                    throw new FlushException(
                        $"A flush of '{file.Path}' failed, and the system has dropped what it could not write. Close the store and open it again: the journal has it.");
                }

                _disk.Write(file, block, offset);
            }
        }
    }

    private unsafe void Read(
        int segment, long offset, IntPtr destination, uint length, DeviceIOCompletionCallback callback, object context)
    {
        uint error = 0;
        var buffer = new Span<byte>((void*)destination, (int)length);
        try
        {
            Read(segment, offset, buffer);
        }
        catch (Exception e)
        {
            // FASTER goes on with what is in the buffer.
            buffer.Clear();
            if (_checksums is null)
            {
                error = ErrorOf(e);
            }
            else if ((segment * segmentSize) + offset is var address && !_checksums.IsDead(address))
            {
                NoteDamage(address, e); // As damage, not as an error, after which FASTER's scan waits for ever.
            }
        }

        callback(error, error == 0 ? length : 0, context);
    }

    private int Read(int segment, long offset, Span<byte> buffer)
    {
        ReadUnchecked(segment, offset, buffer);
        if (_checksums is null)
        {
            return -1;
        }

        long address = (segment * segmentSize) + offset;
        int damaged = _checksums.Check(address, buffer);
        if (damaged >= 0)
        {
            // Where a flush ended within a block, the next one writes the block again, maybe while it is read.
            lock (_writing)
            {
                ReadUnchecked(segment, offset, buffer);
                damaged = _checksums.Check(address, buffer);
            }
        }

        if (damaged >= 0)
        {
            // In a page FASTER steps over zeros to the page's end, and would take the middle of a record for the begin of one behind them.
            NoteDamage(address + damaged, null);
            buffer[damaged..].Clear();
        }

        return damaged;
    }

    /// <summary>A device that was not given a size of segments has one, so the segment cannot be told from an address.</summary>
    private void ReadUnchecked(int segment, long offset, Span<byte> buffer)
    {
        int done = 0;
        if (FindFile(segment) is { } file)
        {
            while (done < buffer.Length)
            {
                int read = _disk.Read(file, buffer[done..], offset + done);
                if (read == 0)
                {
                    break;
                }

                done += read;
            }
        }

        buffer[done..].Clear();
    }

    private void NoteDamage(long address, Exception? cause)
    {
        _checksums!.CountDamagedRead();
        if (_notedDamage.Count < MaxNotedDamage && _notedDamage.TryAdd(address, true))
        {
            _state.Damaged(GetSegmentFilename(FileName, (int)(address / segmentSize)), address, cause);
        }
    }

    private static uint ErrorOf(Exception e) => (uint)(e.HResult & 0xFFFF) is var code and not 0 ? code : UnknownError;

    /// <summary>The file of a segment; null when there is none, and none is made.</summary>
    private DiskFile? FindFile(int segment) =>
        _files.TryGetValue(segment, out DiskFile? open) ? open
        : System.IO.File.Exists(GetSegmentFilename(FileName, segment)) ? File(segment)
        : null;

    private DiskFile File(int segment)
    {
        if (_files.TryGetValue(segment, out DiskFile? open))
        {
            return open;
        }

        lock (_opening)
        {
            return _files.GetOrAdd(segment, Open);
        }
    }

    private DiskFile Open(int segment)
    {
        string path = GetSegmentFilename(FileName, segment);
        bool isNew = !System.IO.File.Exists(path);
        DiskFile file = _disk.Open(path, FileMode.OpenOrCreate, FileShare.ReadWrite | FileShare.Delete, _writeThrough);
        if (isNew && _flushesNames)
        {
            try
            {
                // Writing through makes the content durable, not the name.
                _disk.FlushDirectory(Path.GetDirectoryName(path)!);
            }
            catch
            {
                // It is made anew the next time, for a second flush alone would prove nothing.
                file.Dispose();
                _disk.Delete(path);
                throw;
            }
        }

        return file;
    }
}
