using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Moorcheh.Storage;

/// <summary>
/// Describes one checkpoint: what the record store needs to open it, hashes of its files, and where the journal goes on. On disk:
/// magic (4 bytes), version (4), length of the rest (4), CRC-32C of the rest (4), the rest.
/// </summary>
/// <param name="Number">Checkpoints are numbered from 1; the greatest is the newest.</param>
/// <param name="Records">The record store at the checkpoint; everything in the journal before <paramref name="JournalAddress"/> is in it.</param>
/// <param name="IndexLength">Bytes of the hash index file.</param>
/// <param name="IndexHash">SHA-256 of the hash index file.</param>
/// <param name="ChecksumsHash">SHA-256 of the file of the record log's checksums.</param>
/// <param name="JournalAddress">Replay starts here.</param>
/// <param name="JournalFloor">Nothing in the journal before this address is needed: it is before the payload of every unfinished upload.</param>
/// <param name="RecordsBegin">Nothing in the record log before this address is needed.</param>
/// <param name="CatalogPages">Number of <see cref="RecordKind.CatalogPage"/> records.</param>
internal sealed record CheckpointManifest(
    long Number,
    RecordCheckpoint Records,
    long IndexLength,
    byte[] IndexHash,
    byte[] ChecksumsHash,
    long JournalAddress,
    long JournalFloor,
    long RecordsBegin,
    int CatalogPages)
{
    /// <summary>Added to the name of a manifest that an opening passed over.</summary>
    public const string UnusableSuffix = ".unusable";

    private const uint Magic = 0x4D4B_434D; // "MCKM"
    private const int Version = 2;
    private const int HeaderBytes = 16;
    /// <summary>End of the name of a manifest.</summary>
    public const string Suffix = ".manifest";

    public static string FileOf(string directory, long number) =>
        Path.Combine(directory, number.ToString("D10", CultureInfo.InvariantCulture) + Suffix);

    /// <summary>Numbers of the manifests in a directory, newest first.</summary>
    public static IReadOnlyList<long> Numbers(string directory) =>
    [
        .. Directory.EnumerateFiles(directory, "*" + Suffix)
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(name => long.Parse(name, CultureInfo.InvariantCulture))
            .OrderDescending(),
    ];

    /// <summary>Reads a manifest and verifies it and the files it names.</summary>
    /// <exception cref="InvalidDataException">Something is not as it was written; the message says what.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.UnsupportedFormat"/>: written by another version.</exception>
    public static CheckpointManifest Load(string directory, long number)
    {
        string path = FileOf(directory, number);
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
        {
            throw new InvalidDataException($"'{path}' is not a checkpoint manifest.");
        }

        ReadOnlySpan<byte> rest = bytes.AsSpan(HeaderBytes);
        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4));
        if (rest.Length != BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8))
            || Crc32C.Append(Crc32C.Of(bytes.AsSpan(0, 12)), rest) != BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12)))
        {
            throw new InvalidDataException($"'{path}' is damaged.");
        }

        if (version != Version)
        {
            throw new MoorchehException(
                ErrorCodes.UnsupportedFormat, $"'{path}' has format {version}; this build reads format {Version}.")
            {
                Facts = new Dictionary<string, object> { ["Found"] = version, ["Supported"] = Version },
            };
        }

        var reader = new ByteReader(rest);
        long stored = reader.Int64();
        Guid token = reader.Guid();
        byte[] indexMetadata = reader.Bytes().ToArray();
        byte[] logMetadata = reader.Bytes().ToArray();
        long indexLength = reader.Int64();
        byte[] indexHash = reader.Bytes().ToArray();
        byte[] checksumsHash = reader.Bytes().ToArray();
        LogChecksums checksums = LoadChecksums(directory, token, checksumsHash);
        var manifest = new CheckpointManifest(
            stored,
            new RecordCheckpoint(token, indexMetadata, logMetadata, checksums),
            indexLength,
            indexHash,
            checksumsHash,
            reader.Int64(),
            reader.Int64(),
            reader.Int64(),
            reader.Int32());
        manifest.VerifyIndex(directory);
        return manifest;
    }

    /// <summary>Length and hash of the hash index of a checkpoint, read back from disk.</summary>
    public static (long Length, byte[] Hash) HashIndex(string directory, Guid token)
    {
        using FileStream file = File.OpenRead(IndexFileOnDisk(directory, token));
        return (file.Length, SHA256.HashData(file));
    }

    /// <summary>FASTER's devices append the number of the segment to a file's name; an index has one.</summary>
    public static string IndexFileOnDisk(string directory, Guid token) => CheckpointFiles.IndexFile(directory, token) + ".0";

    /// <summary>Writes the manifest; the checkpoint counts from the moment this returns.</summary>
    public void Save(string directory, Disk disk)
    {
        var writer = new ByteWriter();
        writer.Int32(unchecked((int)Magic));
        writer.Int32(Version);
        writer.Int64(0); // Length and checksum, below.
        writer.Int64(Number);
        writer.Guid(Records.Token);
        writer.Bytes(Records.IndexMetadata);
        writer.Bytes(Records.LogMetadata);
        writer.Int64(IndexLength);
        writer.Bytes(IndexHash);
        writer.Bytes(ChecksumsHash);
        writer.Int64(JournalAddress);
        writer.Int64(JournalFloor);
        writer.Int64(RecordsBegin);
        writer.Int32(CatalogPages);
        writer.PatchInt32(8, writer.Length - HeaderBytes);
        uint checksum = Crc32C.Append(Crc32C.Of(writer.Written[..12]), writer.Written[HeaderBytes..]);
        writer.PatchInt32(12, unchecked((int)checksum));
        disk.Replace(FileOf(directory, Number), writer.Written);
    }

    private static LogChecksums LoadChecksums(string directory, Guid token, byte[] hash)
    {
        string path = LogChecksums.FileOf(directory, token);
        byte[] bytes = File.Exists(path) ? File.ReadAllBytes(path) : throw new InvalidDataException($"'{path}' is missing.");
        return SHA256.HashData(bytes).AsSpan().SequenceEqual(hash)
            ? LogChecksums.Parse(path, bytes)
            : throw new InvalidDataException($"'{path}' is damaged: {bytes.Length} bytes with another hash.");
    }

    private void VerifyIndex(string directory)
    {
        string path = IndexFileOnDisk(directory, Records.Token);
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"'{path}' is missing.");
        }

        (long length, byte[] hash) = HashIndex(directory, Records.Token);
        if (length != IndexLength || !hash.AsSpan().SequenceEqual(IndexHash))
        {
            throw new InvalidDataException($"'{path}' is damaged: {length} bytes of {IndexLength}, or other content.");
        }
    }
}
