using Moorcheh.Callbacks.Messages;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A message is not in the outbox any more, nor are those before it. When this entry is lost, the message is sent again.</summary>
internal sealed record CallbackEnded(Guid JobId, int Number, CallbackResult Result) : IChange
{
    public const JournalEntryType TypeNumber = (JournalEntryType)18;

    public JournalEntryType Type => TypeNumber;

    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Int32(Number);
        writer.Byte((byte)Result);
    }

    public static CallbackEnded Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new CallbackEnded(reader.Guid(), reader.Int32(), (CallbackResult)reader.Byte());
    }

    public ValueTask ApplyAsync(ChangeContext context)
    {
        context.State.Outbox.RemoveThrough(JobId, Number);
        return ValueTask.CompletedTask;
    }
}
