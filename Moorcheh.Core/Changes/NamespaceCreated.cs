using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A namespace exists from here on.</summary>
internal sealed record NamespaceCreated(Guid Incarnation, string Name, NamespaceKind Kind, int? Dimension, DateTimeOffset At) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)2;

    public JournalEntryType Type => TypeNumber;

    /// <summary>Not written: the namespace that begins to exist here.</summary>
    public NamespaceEntry? Namespace { get; set; }

    public void Write(ByteWriter writer)
    {
        writer.Guid(Incarnation);
        writer.String(Name);
        writer.Byte((byte)Kind);
        writer.Int32(Dimension ?? 0);
        writer.Time(At);
    }

    public static NamespaceCreated Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new NamespaceCreated(
            reader.Guid(), reader.String(), (NamespaceKind)reader.Byte(), reader.Int32() is var d and not 0 ? d : null, reader.Time());
    }

    public NamespaceEntry ToEntry() => new(Incarnation, Name, Kind, Dimension, At);

    public ValueTask ApplyAsync(ChangeContext context)
    {
        context.State.Restore(Namespace ?? ToEntry());
        return ValueTask.CompletedTask;
    }
}
