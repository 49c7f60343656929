using System.Globalization;
using System.Numerics;
using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>
/// Every FASTER setting, derived from one memory budget. FASTER's own default for the log in memory is 16 GiB; a library
/// inside somebody's process must never inherit that.
/// </summary>
internal sealed class FasterSettings
{
    /// <summary>Entries and records must fit a page: a text of 1 MiB, metadata of 64 KiB, a vector of 64 KiB and an id of 512 bytes do.</summary>
    public const int PageBytes = 2 << 20;

    /// <summary>Granularity of files on disk, and so of giving space back.</summary>
    public const long SegmentBytes = 32L << 20;

    /// <summary>First address FASTER hands out: it keeps the first cache line of a log for itself.</summary>
    public const long FirstAddress = 64;

    /// <summary>Records are never changed in place, so only the newest part of the log needs to stay writable.</summary>
    private const double MutableFraction = 0.25;

    public FasterSettings(long memoryBudgetBytes)
    {
        JournalMemoryBytes = Math.Max(4L * PageBytes, PreviousPowerOfTwo(memoryBudgetBytes / 16));
        RecordMemoryBytes = Math.Max(8L * PageBytes, PreviousPowerOfTwo(memoryBudgetBytes / 2));
        IndexBytes = PreviousPowerOfTwo(memoryBudgetBytes / 16);
    }

    /// <summary>The file of a log that holds an address.</summary>
    /// <param name="path">Path without the segment number.</param>
    /// <param name="address">In the log.</param>
    public static string SegmentPath(string path, long address) => string.Create(CultureInfo.InvariantCulture, $"{path}.{address / SegmentBytes}");

    /// <summary>Where the page of an address begins.</summary>
    public static long PageStart(long address) => address / PageBytes * PageBytes;

    /// <summary>Journal pages in memory.</summary>
    public long JournalMemoryBytes { get; }

    /// <summary>Record log pages in memory.</summary>
    public long RecordMemoryBytes { get; }

    /// <summary>The hash index, without overflow buckets: 64 bytes for seven records.</summary>
    public long IndexBytes { get; }

    public FasterLogSettings Journal(IDevice device) => new()
    {
        LogDevice = device,
        LogCommitManager = new NoCommitManager(),
        PageSize = PageBytes,
        MemorySize = JournalMemoryBytes,
        SegmentSize = SegmentBytes,
        MutableFraction = 0.5,
        LogChecksum = LogChecksumType.None, // Ours is stronger: a CRC32C of each entry.
        FastCommitMode = false,
        TryRecoverLatest = false, // The journal finds its own end: see JournalFiles.
        AutoCommit = false,
    };

    public FasterKVSettings<SpanByte, SpanByte> Records(IDevice device, ICheckpointManager checkpoints) => new()
    {
        LogDevice = device,
        IndexSize = IndexBytes,
        PageSize = PageBytes,
        MemorySize = RecordMemoryBytes,
        SegmentSize = SegmentBytes,
        MutableFraction = MutableFraction,
        CheckpointManager = checkpoints,
        RemoveOutdatedCheckpoints = false, // The checkpoint manager keeps two.
        TryRecoverLatest = false,
        ReadCacheEnabled = false,
    };

    private static long PreviousPowerOfTwo(long value) => 1L << BitOperations.Log2((ulong)value);
}
