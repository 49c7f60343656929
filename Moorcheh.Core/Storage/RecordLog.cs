using System.Buffers;
using System.Collections.Concurrent;
using FASTER.core;

using Session = FASTER.core.ClientSession<FASTER.core.SpanByte, FASTER.core.SpanByte, FASTER.core.SpanByte, Moorcheh.Storage.RecordCopy, int, Moorcheh.Storage.RecordFunctions>;

namespace Moorcheh.Storage;

/// <summary>The log of a record store: FASTER's store over it, its files, and the checksums of its blocks.</summary>
internal sealed class RecordLog : IDisposable
{
    private readonly FasterKVSettings<SpanByte, SpanByte> _settings;
    private readonly ConcurrentBag<Session> _sessions = [];

    public RecordLog(string path, string checkpointDirectory, FasterSettings settings, Disk disk, DiskState state)
    {
        Device = new FileDevice(path, disk, state, writeThrough: false, checksums: Checksums);
        CheckpointFiles = new CheckpointFiles(checkpointDirectory, disk, state);
        _settings = settings.Records(Device, CheckpointFiles);
        Store = new FasterKV<SpanByte, SpanByte>(_settings);
    }

    public BlockChecksums Checksums { get; } = new();

    public FileDevice Device { get; }

    public CheckpointFiles CheckpointFiles { get; }

    public FasterKV<SpanByte, SpanByte> Store { get; }

    /// <summary>Where the page begins that the log begins in.</summary>
    public long FirstPage => FasterSettings.PageStart(Store.Log.BeginAddress);

    /// <summary>A session for one operation at a time. <see cref="Return"/> it.</summary>
    public Session Rent() =>
        _sessions.TryTake(out Session? session)
            ? session
            : Store.For(new RecordFunctions()).NewSession<RecordFunctions>();

    public void Return(Session session) => _sessions.Add(session);

    /// <summary>Looks at what of a page FASTER would read from disk.</summary>
    public string? FindFaultOnDisk(long page)
    {
        long until = Math.Min(page + FasterSettings.PageBytes, Store.Log.HeadAddress);
        return until > page ? FindFault(page, until) : null;
    }

    /// <summary>Looks at a page as FASTER will when it loads it.</summary>
    /// <returns>What is wrong with it, for messages; null when all is well.</returns>
    public string? FindFault(long page, long until)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FasterSettings.PageBytes);
        try
        {
            int length = (int)(until - page);
            int read = (length + BlockChecksums.BlockBytes - 1) / BlockChecksums.BlockBytes * BlockChecksums.BlockBytes;
            Span<byte> bytes = buffer.AsSpan(0, FasterSettings.PageBytes);
            bytes[read..].Clear();
            return Device.Read(page, bytes[..read]) is >= 0 and var damaged ? $"the block at log address {page + damaged}"
                : !RecordPage.IsWalkable(bytes) ? $"the page at log address {page}, whose records do not follow one another"
                : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What is thrown for a log that is not as it was written.</summary>
    /// <param name="where">The part of it.</param>
    /// <param name="cause">How that showed, if by an exception.</param>
    public static MoorchehException Damaged(string where, Exception? cause = null) =>
        new(ErrorCodes.StorageDamaged, $"The record store is damaged: {where}.", cause)
        {
            Facts = new Dictionary<string, object> { ["Where"] = where },
        };

    public void Dispose()
    {
        while (_sessions.TryTake(out Session? session))
        {
            session.Dispose();
        }

        Store.Dispose();
        _settings.Dispose();
        Device.Dispose();
        CheckpointFiles.Dispose();
    }
}
