using Moorcheh.Http.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Artifacts;

/// <summary>An answer of the artifacts API that can be long: it is tried before anything of it is sent, and sent while it is written.</summary>
/// <param name="write">Writes the answer, as often as it is called.</param>
internal sealed class CheckedAnswer(Func<JsonStream, ValueTask> write) : IResult, IStatusCodeHttpResult
{
    /// <inheritdoc/>
    public int? StatusCode => StatusCodes.Status200OK;

    /// <summary>Looks at the bytes so far and throws when they are too many; null allows any.</summary>
    public Action<long>? CheckSize { get; init; }

    /// <summary>What it is written from; disposed at the end.</summary>
    public PinnedItems? Items { get; init; }

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        using (Items)
        {
            await JsonOutput.SendCheckedAsync(
                httpContext, "application/json", CheckSize ?? (_ => { }), () => Transfer.Of(httpContext).Hold(Items?.MemoryBytes ?? 0), write);
        }
    }
}
