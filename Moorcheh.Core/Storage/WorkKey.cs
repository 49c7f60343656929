using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>Something that is worked on.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Of the job or task; of the task a message tells of; incarnation of the namespace an index belongs to.</param>
/// <param name="Number">Of the message in its task; 0 for other work.</param>
internal readonly record struct WorkKey(WorkKind Kind, Guid Id, int Number = 0)
{
    /// <summary>Writes kind (1), zero (3), number (4), id (16).</summary>
    public void Write(Span<byte> bytes)
    {
        bytes.Clear();
        bytes[0] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Number);
        Id.TryWriteBytes(bytes[8..]);
    }

    public static WorkKey Read(ReadOnlySpan<byte> bytes) =>
        new((WorkKind)bytes[0], new Guid(bytes.Slice(8, 16)), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
}

/// <summary>Kinds of work. The numbers are on disk; never reuse one.</summary>
internal enum WorkKind : byte
{
    /// <summary>An upload, the delete of a namespace, or a task on an artifact.</summary>
    Job = 1,

    /// <summary>Sending a message about a task.</summary>
    Callback = 2,

    /// <summary>Sealing, rewriting or putting together segments of an index.</summary>
    Index = 3,
}
