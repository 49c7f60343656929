using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Moorcheh.Sidecar;

/// <summary>
/// The connections of the server, so that a stop can end those that are open after a while, whether their clients do nothing or wait for an answer:
/// the server itself would wait for them as long as the whole stop may take.
/// </summary>
internal sealed class OpenConnections
{
    private readonly ConcurrentDictionary<ConnectionContext, bool> _open = [];

    /// <summary>Keeps a connection while it is open.</summary>
    public ConnectionDelegate Track(ConnectionDelegate next) => async connection =>
    {
        _open[connection] = true;
        try
        {
            await next(connection);
        }
        finally
        {
            _open.TryRemove(connection, out _);
        }
    };

    /// <summary>Ends all connections some time after a token has fired.</summary>
    public void EndAfter(CancellationToken stopping, TimeSpan delay) => stopping.Register(() => _ = EndAsync(delay));

    private async Task EndAsync(TimeSpan delay)
    {
        await Task.Delay(delay, TimeProvider.System);
        foreach (ConnectionContext connection in _open.Keys)
        {
            connection.Abort(new ConnectionAbortedException("The server stops."));
        }
    }
}
