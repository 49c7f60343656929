using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;
using Moorcheh.Items;

namespace Moorcheh.Http.Endpoints;

/// <summary>An answer that is written while it is sent, from records that it holds until then.</summary>
/// <param name="records">The records; disposed at the end. They have been looked up, so that nothing is known to be wrong.</param>
/// <param name="write">Writes the answer.</param>
internal sealed class StreamAnswer(RecordSet? records, Func<JsonStream, ValueTask> write) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => StatusCodes.Status200OK;

    /// <summary>Looks up the records of an answer. What is looked up at once is bounded; nobody waits here for a client.</summary>
    /// <param name="http">The request.</param>
    /// <param name="store">The store.</param>
    /// <param name="look">Looks up the records and says how to write the answer.</param>
    /// <param name="isBounded">False when the store itself bounds what it looks up at once.</param>
    public static async Task<StreamAnswer> FindAsync(
        HttpContext http, MoorchehStore store, Func<RecordSet, Task<Func<JsonStream, ValueTask>>> look, bool isBounded = true)
    {
        var transfer = Transfer.Of(http);
        RecordSet records = store.NewRecordSet();
        http.Response.RegisterForDispose(records); // Also when the answer is never written.
        if (isBounded)
        {
            await transfer.Limits.Lookups.WaitAsync(http.RequestAborted);
        }

        Func<JsonStream, ValueTask> write;
        try
        {
            write = await look(records);
        }
        finally
        {
            if (isBounded)
            {
                transfer.Limits.Lookups.Release();
            }
        }

        transfer.Hold(records.MemoryBytes);
        return new StreamAnswer(records, write);
    }

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        using (records)
        {
            await JsonOutput.SendAsync(httpContext, StatusCodes.Status200OK, JsonOutput.ContentType, write, static (stream, write) => write(stream));
        }
    }
}
