using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Endpoints;

/// <summary>An answer that is written while it is sent, from items that it holds until then.</summary>
/// <param name="items">The items; disposed at the end. They have been looked up, so that nothing is known to be wrong.</param>
/// <param name="write">Writes the answer.</param>
internal sealed class StreamAnswer(PinnedItems? items, Func<JsonStream, ValueTask> write) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => StatusCodes.Status200OK;

    /// <summary>Looks up the items of an answer. What is looked up at once is bounded; nobody waits here for a client.</summary>
    /// <param name="http">The request.</param>
    /// <param name="store">The store.</param>
    /// <param name="look">Looks up the items and says how to write the answer.</param>
    /// <param name="isBounded">False when the store itself bounds what it looks up at once.</param>
    public static async Task<StreamAnswer> FindAsync(
        HttpContext http, MoorchehStore store, Func<PinnedItems, Task<Func<JsonStream, ValueTask>>> look, bool isBounded = true)
    {
        var transfer = Transfer.Of(http);
        var items = new PinnedItems(store);
        http.Response.RegisterForDispose(items); // Also when the answer is never written.
        if (isBounded)
        {
            await transfer.Limits.Lookups.WaitAsync(http.RequestAborted);
        }

        Func<JsonStream, ValueTask> write;
        try
        {
            write = await look(items);
        }
        finally
        {
            if (isBounded)
            {
                transfer.Limits.Lookups.Release();
            }
        }

        transfer.Hold(items.MemoryBytes);
        return new StreamAnswer(items, write);
    }

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        using (items)
        {
            await JsonOutput.SendAsync(httpContext, StatusCodes.Status200OK, JsonOutput.ContentType, write, static (stream, write) => write(stream));
        }
    }
}
