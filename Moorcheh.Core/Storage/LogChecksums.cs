using System.Runtime.InteropServices;

namespace Moorcheh.Storage;

/// <summary>
/// Checksums of the blocks of the record log at a checkpoint. On disk: magic (4 bytes), version (4), begin (8), tail (8), checksum of the tail's
/// block before the tail (4), number of blocks (4), a CRC-32C for each whole block (4 each; 0: never written). The manifest has length and hash.
/// </summary>
/// <param name="Begin">Address of the first block.</param>
/// <param name="Tail">Where the log ends.</param>
/// <param name="TailChecksum">Of the bytes between the last whole block and the tail: the rest of that block is written later.</param>
/// <param name="Blocks">From the first block to the last whole one.</param>
internal sealed record LogChecksums(long Begin, long Tail, uint TailChecksum, uint[] Blocks)
{
    public const string Suffix = ".checksums";

    private const uint Magic = 0x4353_4B4D; // "MKSC"
    private const int Version = 1;

    /// <summary>Where the page of the tail begins: without it a checkpoint cannot be used.</summary>
    public long LastPage => FasterSettings.PageStart(Tail);

    /// <summary>The file of a checkpoint.</summary>
    public static string FileOf(string directory, Guid token) => Path.Combine(directory, $"{token:N}{Suffix}");

    /// <summary>Compares the files of a record log.</summary>
    /// <param name="logPath">Path without the segment number.</param>
    /// <param name="until">Where to stop: the end of a block, or the tail.</param>
    /// <param name="cancellationToken">Looked at between pages.</param>
    /// <returns>Address of each block that is not as it was written, and of each page whose records do not follow one another.</returns>
    public IEnumerable<long> FindDamage(string logPath, long until, CancellationToken cancellationToken)
    {
        byte[] page = new byte[FasterSettings.PageBytes];
        for (long start = Begin; start < until;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = (int)Math.Min(FasterSettings.PageBytes - (start % FasterSettings.PageBytes), until - start);
            page.AsSpan(ReadAt(FasterSettings.SegmentPath(logPath, start), start % FasterSettings.SegmentBytes, page.AsSpan(0, length))).Clear();
            bool isDamaged = false;
            for (int at = 0; at < length; at += BlockChecksums.BlockBytes)
            {
                int bytes = Math.Min(BlockChecksums.BlockBytes, length - at);
                uint expected = bytes == BlockChecksums.BlockBytes ? Blocks[(start + at - Begin) / BlockChecksums.BlockBytes] : TailChecksum;
                if (BlockChecksums.Of(page.AsSpan(at, bytes)) != expected)
                {
                    isDamaged = true;
                    yield return start + at;
                }
            }

            if (!isDamaged && start % FasterSettings.PageBytes == 0 && !RecordPage.IsWalkable(page))
            {
                yield return start;
            }

            start += length;
        }
    }

    /// <summary>What the file holds.</summary>
    public byte[] ToBytes()
    {
        var writer = new ByteWriter(64 + (Blocks.Length * sizeof(uint)));
        writer.Int32(unchecked((int)Magic));
        writer.Int32(Version);
        writer.Int64(Begin);
        writer.Int64(Tail);
        writer.Int32(unchecked((int)TailChecksum));
        writer.Floats(MemoryMarshal.Cast<uint, float>(Blocks));
        return writer.Written.ToArray();
    }

    /// <summary>Reads a file whose hash was compared.</summary>
    /// <exception cref="InvalidDataException">It is of another kind.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.UnsupportedFormat"/>: written by another version.</exception>
    public static LogChecksums Parse(string path, ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        if (unchecked((uint)reader.Int32()) != Magic)
        {
            throw new InvalidDataException($"'{path}' is no file of checksums.");
        }

        int version = reader.Int32();
        if (version != Version)
        {
            throw new MoorchehException(ErrorCodes.UnsupportedFormat, $"'{path}' has format {version}; this build reads format {Version}.")
            {
                Facts = new Dictionary<string, object> { ["Found"] = version, ["Supported"] = Version },
            };
        }

        return new LogChecksums(
            reader.Int64(), reader.Int64(), unchecked((uint)reader.Int32()), MemoryMarshal.Cast<float, uint>(reader.Floats()).ToArray());
    }

    private static int ReadAt(string path, long offset, Span<byte> bytes)
    {
        if (!File.Exists(path))
        {
            return 0; // As long as nothing was stored there is none.
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        file.Position = offset;
        return file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
    }
}
