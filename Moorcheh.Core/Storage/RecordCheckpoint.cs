namespace Moorcheh.Storage;

/// <summary>What is needed to open a record store as it was at a checkpoint.</summary>
/// <param name="Token">FASTER's name for it.</param>
/// <param name="IndexMetadata">FASTER's description of the hash index.</param>
/// <param name="LogMetadata">FASTER's description of the log.</param>
/// <param name="Checksums">Of the log's blocks.</param>
internal sealed record RecordCheckpoint(Guid Token, byte[] IndexMetadata, byte[] LogMetadata, LogChecksums Checksums);
