using System.Collections.Concurrent;

namespace Moorcheh.Storage;

/// <summary>
/// CRC-32C of every block of the record log, in memory: FASTER trusts what it reads, and a flipped length or pointer can end the process
/// or lose a record in silence, so it gets only blocks that are as they were written. A checkpoint keeps them in a file
/// (<see cref="LogChecksums"/>). Safe for use from several threads.
/// </summary>
internal sealed class BlockChecksums
{
    /// <summary>Also the sector size of the device, so that every write covers whole blocks.</summary>
    public const int BlockBytes = 4096;

    private const int BlocksPerSegment = (int)(FasterSettings.SegmentBytes / BlockBytes);

    // 0 stands for a block that was not written.
    private readonly ConcurrentDictionary<long, uint[]> _segments = new();
    private volatile LogExtent? _extent;
    private long _damagedReads;

    /// <summary>Times a block was read that is not as it was written. A read during which this moved may have missed its record.</summary>
    public long DamagedReads => Interlocked.Read(ref _damagedReads);

    /// <summary>True for what is before the log of the last checkpoint: nothing needs it, and its files may be deleted while it is read.</summary>
    public bool IsDead(long address) => _extent is { } extent && address < extent.FirstBlock;

    /// <summary>Notes a read that gave nothing.</summary>
    public void CountDamagedRead() => Interlocked.Increment(ref _damagedReads);

    /// <summary>
    /// Prepares whole blocks for writing and notes their checksums. FASTER marks records in memory after a checkpoint; in the block of the
    /// checkpoint's tail, which is written again, the checkpoint's part stays as it was.
    /// </summary>
    public void BeforeWrite(long address, Span<byte> blocks)
    {
        if (_extent is { } extent && extent.TailBlock >= address && extent.TailBlock < address + blocks.Length)
        {
            extent.Prefix.CopyTo(blocks[(int)(extent.TailBlock - address)..]);
        }

        for (int at = 0; at < blocks.Length; at += BlockBytes)
        {
            Set(address + at, Of(blocks.Slice(at, Math.Min(BlockBytes, blocks.Length - at))));
        }
    }

    /// <summary>Compares what was read. What is behind the log's tail, whatever is there, becomes zeros.</summary>
    /// <returns>Offset of the first damaged block; -1 when there is none.</returns>
    public int Check(long address, Span<byte> blocks)
    {
        for (int at = 0; at < blocks.Length; at += BlockBytes)
        {
            Span<byte> block = blocks.Slice(at, Math.Min(BlockBytes, blocks.Length - at));
            uint expected = Get(address + at);
            if (IsDead(address + at))
            {
                block.Clear();
            }
            else if (expected != 0)
            {
                if (block.Length < BlockBytes || Of(block) != expected)
                {
                    return at;
                }
            }
            else if (_extent is { } extent && address + at >= extent.FirstBlock && address + at < extent.TailBlock)
            {
                return at; // A part of the log that nobody wrote.
            }
            else
            {
                block.Clear();
                if (_extent is { } opened && opened.TailBlock == address + at)
                {
                    opened.Prefix.AsSpan(0, Math.Min(opened.Prefix.Length, block.Length)).CopyTo(block);
                }
            }
        }

        return -1;
    }

    /// <summary>Tells whether a block was written, and compares it.</summary>
    /// <param name="address">Of the block.</param>
    /// <param name="block">What is read there now.</param>
    /// <param name="isAsWritten">False when it is not what was written.</param>
    public bool WasWritten(long address, ReadOnlySpan<byte> block, out bool isAsWritten)
    {
        uint expected = Get(address);
        isAsWritten = expected == 0 || Of(block) == expected;
        return expected != 0;
    }

    /// <summary>The checksums of a checkpoint; <paramref name="prefix"/> is what the tail's block holds before the tail.</summary>
    public LogChecksums Capture(long begin, long tail, ReadOnlySpan<byte> prefix)
    {
        long first = begin / BlockBytes;
        _extent = new LogExtent(first * BlockBytes, tail - prefix.Length, prefix.ToArray());
        uint[] checksums = new uint[(tail / BlockBytes) - first];
        for (int i = 0; i < checksums.Length; i++)
        {
            checksums[i] = Get((first + i) * BlockBytes);
        }

        return new LogChecksums(first * BlockBytes, tail, Of(prefix), checksums);
    }

    /// <summary>Takes over the checksums of a checkpoint that is opened; the tail's block follows with <see cref="RestoreTail"/>.</summary>
    public void Restore(LogChecksums checkpoint)
    {
        for (int i = 0; i < checkpoint.Blocks.Length; i++)
        {
            Set(checkpoint.Begin + ((long)i * BlockBytes), checkpoint.Blocks[i]);
        }
    }

    /// <summary>Takes over the part of the tail's block that belongs to the checkpoint.</summary>
    /// <returns>False when it is damaged.</returns>
    public bool RestoreTail(LogChecksums checkpoint, ReadOnlySpan<byte> prefix)
    {
        _extent = new LogExtent(checkpoint.Begin, checkpoint.Tail - prefix.Length, prefix.ToArray());
        return Of(prefix) == checkpoint.TailChecksum;
    }

    /// <summary>Forgets a segment that was deleted.</summary>
    public void Forget(long segment) => _segments.TryRemove(segment, out _);

    /// <summary>The checksum of a block; never 0.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Crc32C.Of(bytes) is var checksum and not 0 ? checksum : 1;

    private uint Get(long address) =>
        _segments.TryGetValue(address / FasterSettings.SegmentBytes, out uint[]? segment)
            ? Volatile.Read(ref segment[address % FasterSettings.SegmentBytes / BlockBytes])
            : 0;

    private void Set(long address, uint checksum)
    {
        uint[] segment = _segments.GetOrAdd(address / FasterSettings.SegmentBytes, _ => new uint[BlocksPerSegment]);
        Volatile.Write(ref segment[address % FasterSettings.SegmentBytes / BlockBytes], checksum);
    }

    /// <summary>What a checkpoint knows: its first block, the block that holds its tail, and what is before the tail in it.</summary>
    private sealed record LogExtent(long FirstBlock, long TailBlock, byte[] Prefix);
}
