using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Moorcheh.Sidecar;

/// <summary>The output of a connection; what is written passes, except for the head of an answer that is to get a body.</summary>
internal sealed class RejectionWriter(PipeWriter connection) : PipeWriter
{
    private ArrayBufferWriter<byte>? _head;
    private string _contentType = "";
    private byte[] _body = [];

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => connection.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => connection.UnflushedBytes + (_head?.WrittenCount ?? 0);

    /// <summary>Adds a body to the answer that is written next, up to its flush, if it has a head and nothing else.</summary>
    public void AddBody(string contentType, byte[] body)
    {
        _head = new ArrayBufferWriter<byte>();
        (_contentType, _body) = (contentType, body);
    }

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => _head?.GetMemory(sizeHint) ?? connection.GetMemory(sizeHint);

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => _head is null ? connection.GetSpan(sizeHint) : _head.GetSpan(sizeHint);

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        if (_head is null)
        {
            connection.Advance(bytes);
        }
        else
        {
            _head.Advance(bytes);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        PassHead();
        return connection.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => connection.CancelPendingFlush();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        PassHead();
        connection.Complete(exception);
    }

    private void PassHead()
    {
        if (_head is not { WrittenCount: > 0 } written)
        {
            return;
        }

        _head = null;
        ReadOnlySpan<byte> head = written.WrittenSpan;
        ReadOnlySpan<byte> none = "Content-Length: 0\r\n"u8;
        int at = head.IndexOf(none);
        if (at < 0 || !head.EndsWith("\r\n\r\n"u8))
        {
            connection.Write(head);
            return;
        }

        connection.Write(head[..at]);
        connection.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"Content-Length: {_body.Length}\r\nContent-Type: {_contentType}\r\n")));
        connection.Write(head[(at + none.Length)..]);
        connection.Write(_body);
    }
}
