using System.Collections.Concurrent;
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
    private const uint UnknownError = uint.MaxValue;

    private readonly Disk _disk;
    private readonly DiskState _state;
    private readonly bool _writeThrough;
    private readonly SegmentFiles _files;
    private readonly CheckedBlocks? _blocks;
    private readonly Lock _flushing = new();

    // True: a flush failed, so that what was written before it must be written anew.
    private readonly ConcurrentDictionary<int, bool> _unflushed = new();
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
        _disk = disk;
        _state = state;
        _writeThrough = writeThrough;
        _files = new SegmentFiles(path, disk, writeThrough, flushesNames);
        _blocks = checksums is null ? null : new CheckedBlocks(_files, disk, state, checksums);
    }

    /// <summary>The first write or flush that failed; null while all is well.</summary>
    public Exception? Failure => _failure;

    public override void Initialize(long segmentSize, LightEpoch? epoch = null, bool omitSegmentIdFromFileName = false)
    {
        base.Initialize(segmentSize, epoch, omitSegmentIdFromFileName);
        _files.SegmentBytes = segmentSize;
    }

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
                        _blocks?.WriteAnew(segment);
                    }

                    _disk.Flush(_files.Open(segment));
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
    public void ReadUnchecked(long address, Span<byte> buffer) => _files.Read((int)(address / segmentSize), address % segmentSize, buffer);

    /// <summary>Deletes the files that hold nothing from an address on.</summary>
    public void DeleteBefore(long address)
    {
        foreach ((int segment, string file) in _files.Before(address))
        {
            _files.Close(segment);
            _unflushed.TryRemove(segment, out _);
            CrashPoints.Pass(CrashPoints.LogSegmentDeleting);
            _blocks?.Forget(segment);
            _disk.Delete(file);
            CrashPoints.Pass(CrashPoints.LogSegmentDeleted);
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

    public override long GetFileSize(int segment) => segmentSize > 0 ? segmentSize : RandomAccess.GetLength(_files.Open(segment).Handle);

    /// <summary>Waits for reads and writes under way: they use memory of FASTER, and files that another store may open next.</summary>
    public override void Dispose()
    {
        _isDisposed = true;
        var wait = default(SpinWait);
        while (Volatile.Read(ref _underWay) > 0)
        {
            wait.SpinOnce();
        }

        _files.Dispose();
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
            if (_blocks is null)
            {
                _disk.Write(_files.Open(segment), bytes, offset);
            }
            else
            {
                _blocks.Write(segment, bytes, offset);
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
            if (_blocks is null)
            {
                error = ErrorOf(e);
            }
            else
            {
                _blocks.Unreadable(segment, offset, e); // As damage, not as an error, after which FASTER's scan waits for ever.
            }
        }

        callback(error, error == 0 ? length : 0, context);
    }

    private int Read(int segment, long offset, Span<byte> buffer)
    {
        if (_blocks is not null)
        {
            return _blocks.Read(segment, offset, buffer);
        }

        _files.Read(segment, offset, buffer);
        return -1;
    }

    private static uint ErrorOf(Exception e) => (uint)(e.HResult & 0xFFFF) is var code and not 0 ? code : UnknownError;
}
