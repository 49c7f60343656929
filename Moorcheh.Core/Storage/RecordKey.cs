using System.Buffers.Binary;
using Moorcheh.Durability;
using Moorcheh.Items;

namespace Moorcheh.Storage;

/// <summary>Kinds of records. The numbers are on disk; never reuse one.</summary>
internal enum RecordKind : byte
{
    /// <summary>An item of a namespace: owner = incarnation, number = record number, see <see cref="ItemRecord"/>.</summary>
    Item = 1,

    /// <summary>A part of the list of namespaces and jobs: number = part, see <see cref="Catalog"/>.</summary>
    CatalogPage = 2,

    /// <summary>The item errors of a job: owner = job id.</summary>
    JobErrors = 3,

    /// <summary>The metadata of an artifact: owner = incarnation, number = record number of its first chunk.</summary>
    ArtifactMetadata = 4,

    /// <summary>The metadata that an ingest stored: owner = job id.</summary>
    ArtifactTaskResult = 5,

    /// <summary>A message of the outbox: owner = job id, number = its number in the task.</summary>
    CallbackMessage = 6,
}

/// <summary>Key of a record: 32 bytes on disk: kind (1), zero (7), owner (16), number (8).</summary>
internal readonly record struct RecordKey(RecordKind Kind, Guid Owner, long Number)
{
    public const int Bytes = 32;

    public void Write(Span<byte> destination)
    {
        destination[..8].Clear();
        destination[0] = (byte)Kind;
        Owner.TryWriteBytes(destination[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[24..], Number);
    }

    public static RecordKey Read(ReadOnlySpan<byte> source) =>
        new((RecordKind)source[0], new Guid(source.Slice(8, 16)), BinaryPrimitives.ReadInt64LittleEndian(source[24..]));

    public override string ToString() => $"{Kind} {Owner:N}/{Number}";
}
