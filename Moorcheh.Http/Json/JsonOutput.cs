using System.Buffers;
using System.Text.Json;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Json;

/// <summary>
/// Writes answers: compact UTF-8 JSON. A short one goes in one piece and with its length, so that a failure while writing leaves nothing half sent; a
/// long one is sent in pieces while it is written, as fast as the client takes them.
/// </summary>
internal static class JsonOutput
{
    public const string ContentType = "application/json; charset=utf-8";

    // A thread keeps a buffer up to this size; others are left to the collector.
    private const int MaxKeptBytes = 256 << 10;

    private static readonly JsonWriterOptions Options = new() { Encoder = ItemMetadata.Encoder, MaxDepth = 1000, SkipValidation = true };

    [ThreadStatic]
    private static Scratch? _kept;

    /// <summary>Sends an answer.</summary>
    public static Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> write) =>
        WriteAsync(http, status, write, static (writer, action) => action(writer));

    /// <summary>Sends an answer in one piece; <paramref name="state"/> spares a closure.</summary>
    public static Task WriteAsync<TState>(
        HttpContext http, int status, TState state, Action<Utf8JsonWriter, TState> write, string contentType = ContentType) =>
        SendAsync(http, status, contentType, (state, write), static (stream, both) =>
        {
            both.write(stream.Writer, both.state);
            return default;
        });

    /// <summary>Sends an answer in as many pieces as it has.</summary>
    public static async Task SendAsync<TState>(HttpContext http, int status, string contentType, TState state, Func<JsonStream, TState, ValueTask> write)
    {
        Scratch scratch = Take();
        using var sender = new Sender(http, status, contentType);
        var stream = new JsonStream(scratch.Writer, scratch.Buffer, sender.SendAsync);
        await write(stream, state);
        await FinishAsync(sender, scratch);
    }

    /// <summary>
    /// Writes an answer twice when it is long: first for nothing, so that whatever is wrong with it is found before anything is sent, then to the
    /// client. A short one is written once.
    /// </summary>
    /// <param name="http">The request.</param>
    /// <param name="contentType">Value of <c>Content-Type</c>.</param>
    /// <param name="check">Called with the bytes so far; throws when they are too many.</param>
    /// <param name="ready">Called when nothing was wrong with it.</param>
    /// <param name="write">Writes the answer.</param>
    public static async Task SendCheckedAsync(HttpContext http, string contentType, Action<long> check, Action ready, Func<JsonStream, ValueTask> write)
    {
        SemaphoreSlim lookups = Transfer.Of(http).Limits.Lookups;
        Scratch scratch = Take();
        long bytes = 0;
        var trial = new JsonStream(scratch.Writer, scratch.Buffer, piece =>
        {
            bytes += piece.Length;
            check(bytes);
            http.RequestAborted.ThrowIfCancellationRequested();
            return default;
        });
        await lookups.WaitAsync(http.RequestAborted);
        try
        {
            await write(trial);
        }
        finally
        {
            lookups.Release();
        }

        scratch.Writer.Flush();
        check(bytes + scratch.Buffer.WrittenCount);
        ready();
        using var sender = new Sender(http, StatusCodes.Status200OK, contentType);
        if (bytes > 0)
        {
            scratch.Buffer.ResetWrittenCount();
            scratch.Writer.Reset();
            await write(new JsonStream(scratch.Writer, scratch.Buffer, sender.SendAsync));
        }

        await FinishAsync(sender, scratch);
    }

    private static async Task FinishAsync(Sender sender, Scratch scratch)
    {
        scratch.Writer.Flush();
        await sender.FinishAsync(scratch.Buffer.WrittenMemory);

        // Not reached after a failure: then the scratch is simply dropped.
        if (scratch.Buffer.Capacity <= MaxKeptBytes)
        {
            scratch.Buffer.ResetWrittenCount();
            scratch.Writer.Reset();
            _kept = scratch;
        }
    }

    private static Scratch Take()
    {
        Scratch scratch = _kept ?? new Scratch();
        _kept = null;
        return scratch;
    }

    private sealed class Scratch
    {
        public Scratch()
        {
            Writer = new Utf8JsonWriter(Buffer, Options);
        }

        public ArrayBufferWriter<byte> Buffer { get; } = new(1024);

        public Utf8JsonWriter Writer { get; }
    }

    /// <summary>Sends the pieces of one answer. A client that takes none in its time is cut off.</summary>
    private sealed class Sender(HttpContext http, int status, string contentType) : IDisposable
    {
        private Pace? _pace;

        public async ValueTask SendAsync(ReadOnlyMemory<byte> piece)
        {
            if (_pace is null)
            {
                SetHead();
                _pace = Transfer.Of(http).StartAnswer(http);
            }

            _pace.Sending(piece.Length);
            await http.Response.Body.WriteAsync(piece, _pace.Token);
        }

        public async ValueTask FinishAsync(ReadOnlyMemory<byte> last)
        {
            if (_pace is null)
            {
                SetHead();
                http.Response.ContentLength = last.Length;
                await http.Response.Body.WriteAsync(last, http.RequestAborted);
            }
            else
            {
                await SendAsync(last);
            }
        }

        public void Dispose() => _pace?.Dispose();

        private void SetHead()
        {
            http.Response.StatusCode = status;
            http.Response.ContentType = contentType;
        }
    }
}
