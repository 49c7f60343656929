using Moorcheh.Items;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>Items, which exist, are gone from here on.</summary>
internal sealed record ItemsDeleted(Guid Incarnation, DateTimeOffset At, IReadOnlyList<string> Ids) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)7;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(Incarnation);
        writer.Time(At);
        writer.Int32(Ids.Count);
        foreach (string id in Ids)
        {
            writer.String(id);
        }
    }

    public static ItemsDeleted Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        Guid incarnation = reader.Guid();
        DateTimeOffset at = reader.Time();
        string[] ids = new string[reader.Int32()];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = reader.String();
        }

        return new ItemsDeleted(incarnation, at, ids);
    }

    public async ValueTask ApplyAsync(ChangeContext context)
    {
        if (context.State.Find(Incarnation) is not { } entry)
        {
            return;
        }

        var items = new ItemWriter(context.State.Records, entry);
        foreach (string id in Ids)
        {
            await items.RemoveAsync(id).ConfigureAwait(false);
        }

        await items.PublishAsync(At).ConfigureAwait(false);
        items.DeleteGone();
        context.State.Quota.Remove(Ids.Count);
    }
}
