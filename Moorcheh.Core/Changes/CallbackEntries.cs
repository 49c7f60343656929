using Moorcheh.Artifacts.Tasks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>A message tells how far a task is. Whether it was ever sent does not show here.</summary>
internal readonly record struct CallbackProgress(Guid JobId, int Number, DateTimeOffset At, CallbackStep Step, int Hundredths)
{
    public void Write(ByteWriter writer)
    {
        writer.Guid(JobId);
        writer.Int32(Number);
        writer.Time(At);
        writer.Byte((byte)Step);
        writer.Int32(Hundredths);
    }

    public static CallbackProgress Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        return new CallbackProgress(reader.Guid(), reader.Int32(), reader.Time(), (CallbackStep)reader.Byte(), reader.Int32());
    }
}

/// <summary>A message is not in the outbox any more. When this entry is lost, the message is sent again.</summary>
internal readonly record struct CallbackEnded(Guid JobId, int Number, CallbackResult Result)
{
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
}
