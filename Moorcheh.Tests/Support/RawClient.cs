using System.Net.Sockets;
using System.Text;

namespace Moorcheh.Tests.Support;

/// <summary>A client that sends and reads what the test says and nothing else, over a socket of its own.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient _socket = new();

    /// <summary>What the server sends.</summary>
    public NetworkStream Stream => _socket.GetStream();

    /// <summary>Connects.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="receiveBytes">Size of the receive buffer; 0 for the system's: what the client does not read waits there.</param>
    public static async Task<RawClient> ConnectAsync(Uri address, int receiveBytes = 0)
    {
        var client = new RawClient();
        if (receiveBytes > 0)
        {
            client._socket.ReceiveBufferSize = receiveBytes;
        }

        await client._socket.ConnectAsync(address.Host, address.Port);
        return client;
    }

    /// <summary>Sends the head of a JSON request and the bytes that are there of its body.</summary>
    public async Task PostAsync(string path, string body, long? length = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        await SendAsync($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length ?? bytes.Length}\r\n\r\n");
        await Stream.WriteAsync(bytes);
    }

    public async Task SendAsync(string text) => await Stream.WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Reads what comes until the server closes the connection.</summary>
    public async Task<string> ReadToEndAsync(CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(Stream, Encoding.UTF8, leaveOpen: true);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    /// <summary>Reads as much as is there until a text has come.</summary>
    public async Task<string> ReadUntilAsync(string text, CancellationToken cancellationToken)
    {
        var seen = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (!seen.ToString().Contains(text, StringComparison.Ordinal) && await Stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            seen.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        return seen.ToString();
    }

    /// <summary>Ends the connection at once, as a client that crashes.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();
}
