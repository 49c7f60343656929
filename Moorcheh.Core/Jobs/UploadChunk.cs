using Moorcheh.Storage;

namespace Moorcheh.Jobs;

/// <summary>
/// A part of an upload's payload, as it stands in the journal: job id (16 bytes), index of the first entry (4), number of entries
/// (4), then each entry: weight (4), id (length 4, UTF-8), text (length 4 or -1, UTF-8), vector (count 4, float32 each), metadata
/// (length 4, JSON).
/// </summary>
internal sealed class UploadChunk
{
    /// <summary>A chunk is closed once it has this many bytes; with the largest entry on top it still fits a journal page.</summary>
    public const int TargetBytes = 512 << 10;

    private readonly ReadOnlyMemory<byte> _body;
    private readonly Entry[] _entries;

    private UploadChunk(ReadOnlyMemory<byte> body, Guid jobId, int first, Entry[] entries)
    {
        _body = body;
        JobId = jobId;
        First = first;
        _entries = entries;
    }

    public Guid JobId { get; }

    /// <summary>Index in the batch of the first entry.</summary>
    public int First { get; }

    /// <summary>Index after the last entry.</summary>
    public int End => First + _entries.Length;

    /// <summary>Starts a chunk; <see cref="Finish"/> sets the number of entries.</summary>
    public static void Start(ByteWriter writer, Guid jobId, int first)
    {
        writer.Clear();
        writer.Guid(jobId);
        writer.Int32(first);
        writer.Int32(0);
    }

    public static void Add(ByteWriter writer, int weight, string id, string? text, ReadOnlySpan<float> vector, ItemMetadata? metadata)
    {
        writer.Int32(weight);
        writer.String(id);
        writer.OptionalString(text);
        writer.Floats(vector);
        writer.Bytes((metadata ?? ItemMetadata.Empty).Utf8Json.Span);
    }

    public static void Finish(ByteWriter writer, int count) => writer.PatchInt32(20, count);

    public static UploadChunk Parse(ReadOnlyMemory<byte> body)
    {
        var reader = new ByteReader(body.Span);
        Guid job = reader.Guid();
        int first = reader.Int32();
        var entries = new Entry[reader.Int32()];
        for (int i = 0; i < entries.Length; i++)
        {
            int weight = reader.Int32();
            Slice id = Skip(ref reader, reader.Int32());
            int textLength = reader.Int32();
            Slice text = textLength < 0 ? new Slice(0, -1) : Skip(ref reader, textLength);
            int count = reader.Int32();
            Slice vector = Skip(ref reader, checked(count * sizeof(float)));
            Slice metadata = Skip(ref reader, reader.Int32());
            entries[i] = new Entry(weight, id, text, vector, metadata);
        }

        return new UploadChunk(body, job, first, entries);
    }

    /// <summary>How many entries of the batch this one stands for: itself and earlier ones of the same id; 0 when a later one stands for it.</summary>
    public int Weight(int index) => _entries[index - First].Weight;

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Id(int index) => Bytes(_entries[index - First].Id);

    public bool HasText(int index) => _entries[index - First].Text.Length >= 0;

    /// <summary>UTF-8; empty when there is none.</summary>
    public ReadOnlySpan<byte> Text(int index) => HasText(index) ? Bytes(_entries[index - First].Text) : default;

    /// <summary>Empty for a text.</summary>
    public ReadOnlySpan<float> Vector(int index) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(Bytes(_entries[index - First].Vector));

    /// <summary>Compact JSON.</summary>
    public ReadOnlySpan<byte> Metadata(int index) => Bytes(_entries[index - First].Metadata);

    private static Slice Skip(ref ByteReader reader, int length)
    {
        int start = reader.Position;
        reader.Skip(length);
        return new Slice(start, length);
    }

    private ReadOnlySpan<byte> Bytes(Slice slice) => _body.Span.Slice(slice.Start, slice.Length);

    private readonly record struct Slice(int Start, int Length);

    private readonly record struct Entry(int Weight, Slice Id, Slice Text, Slice Vector, Slice Metadata);
}
