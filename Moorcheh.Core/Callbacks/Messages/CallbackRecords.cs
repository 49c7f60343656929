using Moorcheh.Artifacts;
using Moorcheh.Storage;

namespace Moorcheh.Callbacks.Messages;

/// <summary>The messages of the outbox in the record store: exchange, routing key, body, each with its length (4) in front.</summary>
internal static class CallbackRecords
{
    public static void Save(IRecordStore records, Guid jobId, int number, string exchange, string routingKey, ReadOnlySpan<byte> body)
    {
        var writer = new ByteWriter(64 + exchange.Length + routingKey.Length + body.Length);
        writer.String(exchange);
        writer.String(routingKey);
        writer.Bytes(body);
        records.Upsert(Key(jobId, number), writer.Written);
    }

    /// <summary>Reads one; null when it is gone.</summary>
    public static async ValueTask<CallbackMessage?> FindAsync(IRecordStore records, Guid jobId, int number, string messageId)
    {
        using RecordLease lease = await records.ReadAsync(Key(jobId, number)).ConfigureAwait(false);
        return lease.IsFound ? Parse(lease.Body, messageId) : null;
    }

    public static void Delete(IRecordStore records, Guid jobId, int number) => records.Delete(Key(jobId, number));

    private static CallbackMessage Parse(ReadOnlySpan<byte> body, string messageId)
    {
        var reader = new ByteReader(body);
        return new CallbackMessage(reader.String(), reader.String(), messageId, reader.Bytes().ToArray());
    }

    public static RecordKey Key(Guid jobId, int number) => new(RecordKind.CallbackMessage, jobId, number);
}
