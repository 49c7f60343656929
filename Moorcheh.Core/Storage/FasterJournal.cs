using System.Buffers;
using FASTER.core;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary><see cref="IJournal"/> on FasterLog with group commit.</summary>
internal sealed class FasterJournal : IJournal
{
    private readonly JournalFiles _files;
    private readonly CommitMarker _marker;
    private readonly DiskState _state;
    private readonly FileDevice _device;
    private readonly FasterLog _log;
    private readonly Lock _lock = new();
    private readonly Lock _appending = new();
    private long _previousEnd;
    private Task _running = Task.CompletedTask;
    private Task? _next;

    /// <summary>Opens the journal to go on at a page start; everything from there on is discarded.</summary>
    public FasterJournal(JournalFiles files, CommitMarker marker, FasterSettings settings, Disk disk, DiskState state, long start)
    {
        _files = files;
        _marker = marker;
        _state = state;
        _device = new FileDevice(files.Path, disk, state, writeThrough: true);
        _log = new FasterLog(settings.Journal(_device));
        _previousEnd = start;
        if (start > FasterSettings.FirstAddress)
        {
            _log.Initialize(start, start);
        }
    }

    public long TailAddress => _log.TailAddress;

    public long Append(JournalEntryType type, ReadOnlySpan<byte> body)
    {
        if (body.Length > JournalFrame.MaxBodyBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(body), body.Length, $"A journal entry has at most {JournalFrame.MaxBodyBytes} bytes.");
        }

        int length = JournalFrame.HeaderBytes + body.Length;
        byte[] framed = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> frame = framed.AsSpan(0, length);
            body.CopyTo(frame[JournalFrame.HeaderBytes..]);
            CrashPoints.Pass(CrashPoints.JournalAppending);
            lock (_appending)
            {
                JournalFrame.WriteHeader(frame, type, _previousEnd);
                long address = _log.Enqueue(frame);
                _previousEnd = JournalFrame.NextEntry(address + JournalFrame.SpaceOf(length));
                CrashPoints.Pass(CrashPoints.JournalAppended);
                return address;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(framed);
        }
    }

    public Task CommitAsync()
    {
        // A flush that is under way may have started before our entry was appended, so join the one after it.
        lock (_lock)
        {
            if (_next is null)
            {
                Task before = _running;
                _next = Task.Run(() => CommitAfterAsync(before));
            }

            return _next;
        }
    }

    public ReadOnlyMemory<byte> Read(long address, JournalEntryType type) =>
        _files.Read(address, type).AsMemory(JournalFrame.HeaderBytes);

    public void TruncateBefore(long address)
    {
        _log.TruncateUntilPageStart(address);
        _files.Forget(address);
        _device.DeleteBefore(address);
    }

    public async ValueTask DisposeAsync()
    {
        Task? last;
        lock (_lock)
        {
            last = _next ?? _running;
        }

        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _log.Dispose();
        _device.Dispose();
        _marker.Dispose();
        _files.Dispose();
    }

    private async Task CommitAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _running = _next!;
            _next = null;
        }

        // The end of the last entry, not the log's tail: while another thread turns a page, the tail is already past an end that is not written.
        long until = Volatile.Read(ref _previousEnd);
        CrashPoints.Pass(CrashPoints.JournalCommitting);
        await _log.CommitAsync().ConfigureAwait(false);
        CrashPoints.Pass(CrashPoints.JournalCommitted);
        await MarkAsync(until).ConfigureAwait(false);
        CrashPoints.Pass(CrashPoints.MarkerWritten);
    }

    private async Task MarkAsync(long until)
    {
        for (bool isRetry = false; ; isRetry = true)
        {
            try
            {
                _marker.Write(until);
                if (isRetry)
                {
                    _state.Recovered();
                }

                return;
            }
            catch (IOException e) when (!_state.IsClosing)
            {
                _state.Failed(e);
                await Task.Delay(DiskState.RetryPause, TimeProvider.System).ConfigureAwait(false);
            }
        }
    }
}
