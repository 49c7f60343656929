using System.Buffers;
using System.IO.Pipelines;
using System.Numerics;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Http.Json;

/// <summary>The body of a request, whole, in one buffer. Content-Type and size are checked while it is read.</summary>
internal sealed class RequestBody : IDisposable
{
    /// <summary>The server reads this many times the adapter's limit before it gives up by itself.</summary>
    public const long ServerLimitFactor = 2;

    /// <summary>Most bytes of the bodies that only say what is wanted: 100 ids or a query vector with all their escapes and blanks fit.</summary>
    public const int MaxSmallBytes = 2 << 20;

    /// <summary>Most bytes of the bodies that may list all chunks of some artifacts.</summary>
    public const int MaxListBytes = 16 << 20;

    private const int FirstBufferBytes = 64 << 10;

    private readonly Transfer _transfer;
    private byte[] _buffer = [];
    private bool _isRented;
    private int _start;
    private int _length;

    private RequestBody(Transfer transfer)
    {
        _transfer = transfer;
    }

    /// <summary>The bytes as sent, decoded and without a byte order mark.</summary>
    public ReadOnlyMemory<byte> Utf8 => _buffer.AsMemory(_start.._length);

    /// <summary>Reads the body, of at most so many bytes and never more than the adapter takes.</summary>
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
    /// <exception cref="MoorchehException">
    /// <c>body-too-large</c>, <c>unsupported-content-encoding</c>, <c>invalid-content-encoding</c>, <c>request-timeout</c> or <c>server-busy</c>.
    /// </exception>
    public static async Task<RequestBody> ReadAnyAsync(HttpContext http, int maxBytes)
    {
        HttpRequest request = http.Request;
        PipeReader? decoded = DecodedBody.FindReader(http);
        var transfer = Transfer.Of(http);
        maxBytes = Math.Min(maxBytes, transfer.MaxBodyBytes);
        transfer.MaxBodyBytes = maxBytes;

        // The server's own limit comes later than ours, so that the rest of a body that is too large can still be taken from the wire.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = ServerLimitFactor * transfer.Limits.Options.MaxBodyBytes;
        }

        // The same for its least rate: an average over the whole body, in which most of it sent at once would buy days. It is not for single streams of HTTP/2.
        if ((HttpProtocol.IsHttp11(request.Protocol) || HttpProtocol.IsHttp10(request.Protocol)) && http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = transfer.ServerBodyRate;
        }

        if (request.ContentLength > maxBytes)
        {
            throw RequestErrors.BodyTooLarge(maxBytes);
        }

        // What the client announces is not believed: the buffer grows with what has arrived.
        var body = new RequestBody(transfer);
        try
        {
            body.Grow((int)Math.Min(request.ContentLength ?? FirstBufferBytes, FirstBufferBytes), FirstBufferBytes);
            await body.FillAsync(http, decoded ?? request.BodyReader, decoded is null ? request.ContentLength : null, maxBytes);
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
        GiveBack(buffer);
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

    private async Task FillAsync(HttpContext http, PipeReader reader, long? announced, int maxBytes)
    {
        Pace? pace = null;
        try
        {
            while (true)
            {
                // Most bodies have arrived with their head: those need no clock.
                if (!TryRead(reader, out ReadResult result))
                {
                    pace ??= _transfer.StartBody(http);
                    result = await ReadAsync(reader, pace, http.RequestAborted);
                }

                ReadOnlySequence<byte> arrived = result.Buffer;
                pace?.Arrived(arrived.Length);
                try
                {
                    if (_length + arrived.Length > maxBytes)
                    {
                        throw RequestErrors.BodyTooLarge(maxBytes);
                    }

                    Append(arrived, announced, maxBytes);
                }
                finally
                {
                    reader.AdvanceTo(arrived.End); // After a refusal too: the rest is taken from the wire then.
                }

                if (result.IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            pace?.Dispose();
        }
    }

    private static bool TryRead(PipeReader reader, out ReadResult result)
    {
        try
        {
            return reader.TryRead(out result);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw RequestErrors.InvalidJson(1, 1);
        }
    }

    private async ValueTask<ReadResult> ReadAsync(PipeReader reader, Pace pace, CancellationToken aborted)
    {
        try
        {
            // Not by the token of the read: after that the server could not take the rest of the body from the wire.
            using CancellationTokenRegistration end = pace.Token.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
            ReadResult result = await reader.ReadAsync(aborted);
            if (result.IsCanceled)
            {
                reader.AdvanceTo(result.Buffer.End);
                throw _transfer.BodyTooLate();
            }

            return result;
        }
        catch (IOException e) when (e is not BadHttpRequestException && !aborted.IsCancellationRequested)
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
            long wanted = Math.Max(needed, Math.Min(2L * _buffer.Length, announced ?? maxBytes));
            Grow((int)wanted, maxBytes);
        }

        arrived.CopyTo(_buffer.AsSpan(_length));
        _length = needed;
    }

    /// <summary>
    /// Takes a larger buffer, out of the budget; for a moment both are held. The pool rounds up to a power of two, and that counts. Where it would be
    /// more than the largest body, the buffer is made to measure: a budget of two such bodies has to do for one.
    /// </summary>
    private void Grow(int capacity, int maxBytes)
    {
        const int SmallestRented = 16;
        uint rounded = Math.Max(BitOperations.RoundUpToPowerOf2((uint)capacity), SmallestRented);
        bool isRented = rounded <= (uint)Math.Max(maxBytes, FirstBufferBytes);
        _transfer.Hold(isRented ? rounded : capacity);
        byte[] larger = isRented ? ArrayPool<byte>.Shared.Rent((int)rounded) : GC.AllocateUninitializedArray<byte>(capacity);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        GiveBack(_buffer);
        _buffer = larger;
        _isRented = isRented;
    }

    private void GiveBack(byte[] buffer)
    {
        _transfer.Release(buffer.Length);
        if (_isRented && buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
