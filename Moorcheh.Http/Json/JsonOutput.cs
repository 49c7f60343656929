using System.Buffers;
using System.Text.Json;
using Moorcheh.Json;

namespace Moorcheh.Http.Json;

/// <summary>Writes answers: compact UTF-8 JSON, in one piece and with its length, so that a failure while writing leaves nothing half sent.</summary>
internal static class JsonOutput
{
    public const string ContentType = "application/json; charset=utf-8";

    // A thread keeps a buffer up to this size; pages of texts are larger and leave theirs to the collector.
    private const int MaxKeptBytes = 256 << 10;

    private static readonly JsonWriterOptions Options = new() { Encoder = MinimalJsonEncoder.Instance, MaxDepth = 1000, SkipValidation = true };

    [ThreadStatic]
    private static Scratch? _kept;

    /// <summary>Sends an answer.</summary>
    public static Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> write) =>
        WriteAsync(http, status, write, static (writer, action) => action(writer));

    /// <summary>Sends an answer; <paramref name="state"/> spares a closure.</summary>
    public static async Task WriteAsync<TState>(
        HttpContext http, int status, TState state, Action<Utf8JsonWriter, TState> write, string contentType = ContentType)
    {
        Scratch scratch = _kept ?? new Scratch();
        _kept = null;
        write(scratch.Writer, state);
        scratch.Writer.Flush();

        HttpResponse response = http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = scratch.Buffer.WrittenCount;
        await response.Body.WriteAsync(scratch.Buffer.WrittenMemory, http.RequestAborted);

        // Not reached after a failure: then the scratch is simply dropped.
        if (scratch.Buffer.Capacity <= MaxKeptBytes)
        {
            scratch.Buffer.ResetWrittenCount();
            scratch.Writer.Reset();
            _kept = scratch;
        }
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
}
