using Moorcheh.Items;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>An item, which exists, has other metadata from here on; its text and vector stay.</summary>
/// <param name="Incarnation">The namespace.</param>
/// <param name="At">When.</param>
/// <param name="Id">The item.</param>
/// <param name="Metadata">All of it, as it is then.</param>
internal sealed record ItemPatched(Guid Incarnation, DateTimeOffset At, string Id, ItemMetadata Metadata) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)22;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.String(Id);
        writer.Bytes(Metadata.Utf8Json.Span);
    }

    public static ItemPatched Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new ItemPatched(reader.Guid(), reader.Time(), reader.String(), ItemMetadata.FromStored(reader.Bytes()));
    }

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        if (context.State.Find(Incarnation) is { } entry)
        {
            var items = new ItemWriter(context.State.Records, entry);
            await items.PatchAsync(Id, Metadata, At).ConfigureAwait(false);
            await items.PublishAsync(At).ConfigureAwait(false);
            items.DeleteGone();
        }
    }
}
