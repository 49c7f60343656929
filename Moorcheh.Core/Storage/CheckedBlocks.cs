using System.Buffers;
using System.Collections.Concurrent;

namespace Moorcheh.Storage;

/// <summary>
/// Writes to the files of a <see cref="FileDevice"/> with checksums, and compares what it reads with them. Safe for use from several threads.
/// </summary>
/// <param name="files">The files.</param>
/// <param name="disk">Where they are.</param>
/// <param name="state">Learns of damage.</param>
/// <param name="checksums">Of whole blocks.</param>
internal sealed class CheckedBlocks(SegmentFiles files, Disk disk, DiskState state, BlockChecksums checksums)
{
    private const int CopyBytes = 1 << 18;
    private const int MaxNotedDamage = 1000;

    private readonly Lock _writing = new();
    private readonly ConcurrentDictionary<long, bool> _notedDamage = new();

    /// <summary>Writes a copy: FASTER may mark records while they are written, and then the checksum would be of other bytes.</summary>
    public void Write(int segment, ReadOnlySpan<byte> bytes, long offset)
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
                    checksums.BeforeWrite(files.AddressOf(segment, offset + done), part);
                    disk.Write(files.Open(segment), part, offset + done);
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
    /// Writes what is in the system's memory of a file once more: after a failed flush it may count as written though it is not. Some
    /// systems drop it; then it is not what was written, and only the journal has it.
    /// </summary>
    public void WriteAnew(int segment)
    {
        DiskFile file = files.Open(segment);
        byte[] block = new byte[BlockChecksums.BlockBytes];
        for (long offset = 0; offset < RandomAccess.GetLength(file.Handle); offset += block.Length)
        {
            lock (_writing)
            {
                files.Read(segment, offset, block);
                if (!checksums.WasWritten(files.AddressOf(segment, offset), block, out bool isAsWritten))
                {
                    continue;
                }

                if (!isAsWritten)
                {
                    throw new FlushException(
                        $"A flush of '{file.Path}' failed, and the system has dropped what it could not write. Close the store and open it again: the journal has it.");
                }

                disk.Write(file, block, offset);
            }
        }
    }

    /// <summary>Reads; zeros in place of what is damaged.</summary>
    /// <returns>Offset of the first damaged block; -1 when there is none.</returns>
    public int Read(int segment, long offset, Span<byte> buffer)
    {
        files.Read(segment, offset, buffer);
        long address = files.AddressOf(segment, offset);
        int damaged = checksums.Check(address, buffer);
        if (damaged >= 0)
        {
            // Where a flush ended within a block, the next one writes the block again, maybe while it is read.
            lock (_writing)
            {
                files.Read(segment, offset, buffer);
                damaged = checksums.Check(address, buffer);
            }
        }

        if (damaged >= 0)
        {
            // In a page FASTER steps over zeros to the page's end, and would take the middle of a record for the begin of one behind them.
            NoteDamage(segment, address + damaged, null);
            buffer[damaged..].Clear();
        }

        return damaged;
    }

    /// <summary>Notes that something could not be read, as damage, unless nobody needs it any more.</summary>
    public void Unreadable(int segment, long offset, Exception cause)
    {
        long address = files.AddressOf(segment, offset);
        if (!checksums.IsDead(address))
        {
            NoteDamage(segment, address, cause);
        }
    }

    /// <summary>Forgets the checksums of a segment.</summary>
    public void Forget(int segment) => checksums.Forget(segment);

    private void NoteDamage(int segment, long address, Exception? cause)
    {
        checksums.CountDamagedRead();
        if (_notedDamage.Count < MaxNotedDamage && _notedDamage.TryAdd(address, true))
        {
            state.Damaged(files.PathOf(segment), address, cause);
        }
    }
}
