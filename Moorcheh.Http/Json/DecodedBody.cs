using System.IO.Compression;
using System.IO.Pipelines;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Json;

/// <summary>
/// Reads a request body that was sent with a <c>Content-Encoding</c> as what it was before. How much it may grow is bounded, so that a small
/// request cannot take the memory of a large one; the size as such is the reader's to limit.
/// </summary>
internal sealed class DecodedBody : BodyStream
{
    /// <summary>The encodings that are decoded, as a value of <c>Accept-Encoding</c>.</summary>
    public const string Encodings = "gzip, br";

    /// <summary>A decoded body may be this many times as long as it was sent.</summary>
    public const int MaxExpansion = 100;

    /// <summary>Below this size it may have grown by any factor: 1 MiB.</summary>
    public const int FreeBytes = 1 << 20;

    private const int ReadBytes = 64 << 10;

    private readonly string _encoding;
    private readonly SentBody _sent;
    private Stream? _decoder;
    private long _bytes;

    private DecodedBody(string encoding, Stream body)
    {
        _encoding = encoding;
        _sent = new SentBody(body);
    }

    /// <summary>What reads a body that is encoded; null for one that is not.</summary>
    /// <returns>Complete it to end the decoding.</returns>
    /// <exception cref="MoorchehException"><c>unsupported-content-encoding</c>.</exception>
    public static PipeReader? FindReader(HttpContext http)
    {
        string sent = http.Request.Headers.ContentEncoding.ToString().Trim();
        switch (sent.ToLowerInvariant())
        {
            case "" or "identity":
                return null;
            case "gzip" or "x-gzip" or "br":
                return PipeReader.Create(new DecodedBody(sent.ToLowerInvariant(), http.Request.Body), new StreamPipeReaderOptions(bufferSize: ReadBytes));
            default:
                http.Response.Headers.AcceptEncoding = Encodings;
                throw RequestErrors.UnsupportedContentEncoding(sent);
        }
    }

    /// <exception cref="MoorchehException"><c>invalid-content-encoding</c>, or <c>body-too-large</c> when it has grown too much.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _decoder ??= _encoding == "br" ? new BrotliStream(_sent, CompressionMode.Decompress) : new GZipStream(_sent, CompressionMode.Decompress);
        int read;
        try
        {
            read = await _decoder.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or (InvalidOperationException and not ObjectDisposedException))
        {
            throw RequestErrors.InvalidContentEncoding(_encoding);
        }

        _bytes += read;
        return _bytes <= Math.Max(FreeBytes, MaxExpansion * _sent.Bytes)
            ? read
            : throw RequestErrors.BodyExpands(_encoding, _sent.Bytes, _bytes, MaxExpansion);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>The body as it comes, counted. It is the server's, and not closed.</summary>
    private sealed class SentBody(Stream body) : BodyStream
    {
        public long Bytes { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await body.ReadAsync(buffer, cancellationToken);
            Bytes += read;
            return read;
        }
    }
}

/// <summary>A stream that is read from its beginning to its end, asynchronously only.</summary>
internal abstract class BodyStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
