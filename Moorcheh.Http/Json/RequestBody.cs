using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Json;

/// <summary>The body of a request, whole, in a rented buffer. Content-Type and size are checked while it is read.</summary>
internal sealed class RequestBody : IDisposable
{
    /// <summary>The server reads this many times the adapter's limit before it gives up by itself.</summary>
    public const long ServerLimitFactor = 2;

    private const int FirstBufferBytes = 64 << 10;

    private byte[] _buffer;
    private int _start;
    private int _length;

    private RequestBody(int capacity)
    {
        _buffer = ArrayPool<byte>.Shared.Rent(capacity);
    }

    /// <summary>The bytes as sent, decoded and without a byte order mark.</summary>
    public ReadOnlyMemory<byte> Utf8 => _buffer.AsMemory(_start.._length);

    /// <summary>Reads the body.</summary>
    /// <exception cref="MoorchehException">
    /// <c>unsupported-content-type</c>, <c>invalid-json</c> when there is none, or as <see cref="ReadAnyAsync"/>.
    /// </exception>
    public static async Task<RequestBody> ReadAsync(HttpContext http, int maxBytes)
    {
        CheckContentType(http.Request.ContentType);
        RequestBody body = await ReadAnyAsync(http, maxBytes);
        if (!body.Utf8.IsEmpty)
        {
            return body;
        }

        body.Dispose();
        throw RequestErrors.BodyMissing();
    }

    /// <summary>Reads the body, which may be empty and of any type.</summary>
    /// <exception cref="MoorchehException"><c>body-too-large</c>, <c>unsupported-content-encoding</c> or <c>invalid-content-encoding</c>.</exception>
    public static async Task<RequestBody> ReadAnyAsync(HttpContext http, int maxBytes)
    {
        HttpRequest request = http.Request;
        PipeReader? decoded = DecodedBody.FindReader(http);

        // The server's own limit comes later than ours, so that the rest of a body that is too large can still be taken from the wire.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = ServerLimitFactor * maxBytes;
        }

        if (request.ContentLength > maxBytes)
        {
            throw RequestErrors.BodyTooLarge(maxBytes);
        }

        // What the client announces is not believed: the buffer grows with what has arrived.
        var body = new RequestBody((int)Math.Min(request.ContentLength ?? FirstBufferBytes, FirstBufferBytes));
        try
        {
            await body.FillAsync(decoded ?? request.BodyReader, decoded is null ? request.ContentLength : null, maxBytes, http.RequestAborted);
            body._start = body.Utf8.Span.StartsWith("\uFEFF"u8) ? "\uFEFF"u8.Length : 0;
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
        finally
        {
            if (decoded is not null)
            {
                await decoded.CompleteAsync();
            }
        }
    }

    /// <summary>Parses a small body.</summary>
    /// <exception cref="MoorchehException"><c>invalid-json</c>.</exception>
    public JsonDocument Parse()
    {
        JsonSyntax.Check(Utf8.Span);
        return JsonDocument.Parse(Utf8, new JsonDocumentOptions { MaxDepth = JsonSyntax.MaxDepth });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] buffer = Interlocked.Exchange(ref _buffer, []);
        (_start, _length) = (0, 0);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>True for <c>application/json</c> and <c>application/*+json</c>.</summary>
    public static bool IsJson(string? contentType) =>
        contentType == "application/json" || (MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? parsed) && IsJson(parsed));

    private static bool IsJson(MediaTypeHeaderValue type) =>
        type.Type.Equals("application", StringComparison.OrdinalIgnoreCase)
        && (type.SubType.Equals("json", StringComparison.OrdinalIgnoreCase) || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase));

    private static void CheckContentType(string? contentType)
    {
        if (!IsJson(contentType))
        {
            throw RequestErrors.UnsupportedContentType(MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? parsed) ? parsed.MediaType.Value : contentType);
        }
    }

    private async Task FillAsync(PipeReader reader, long? announced, int maxBytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await ReadAsync(reader, cancellationToken);
            ReadOnlySequence<byte> arrived = result.Buffer;
            bool isTooLarge = _length + arrived.Length > maxBytes;
            if (!isTooLarge)
            {
                Append(arrived, announced, maxBytes);
            }

            reader.AdvanceTo(arrived.End);
            if (isTooLarge)
            {
                throw RequestErrors.BodyTooLarge(maxBytes);
            }

            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private static async ValueTask<ReadResult> ReadAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (IOException e) when (e is not BadHttpRequestException && !cancellationToken.IsCancellationRequested)
        {
            throw RequestErrors.InvalidJson(1, 1); // A chunk size beyond all numbers: the server has no status of its own for that.
        }
    }

    private void Append(ReadOnlySequence<byte> arrived, long? announced, int maxBytes)
    {
        int needed = _length + (int)arrived.Length;
        if (needed > _buffer.Length)
        {
            // Doubling; the announced length caps the last step, so that a body of 40 MB does not take a buffer of 64.
            long wanted = Math.Max(needed, Math.Min(4L * _buffer.Length, announced ?? maxBytes));
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)wanted);
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        arrived.CopyTo(_buffer.AsSpan(_length));
        _length = needed;
    }
}
