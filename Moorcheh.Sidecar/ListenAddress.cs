using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Moorcheh.Sidecar;

/// <summary>Where the sidecar listens.</summary>
internal sealed record ListenAddress(IPAddress? Address)
{
    private const string LocalHost = "localhost";

    /// <summary>True when only this machine can connect.</summary>
    public bool IsLoopback => Address is null || IPAddress.IsLoopback(Address);

    /// <summary>Reads the option <c>ServerHost</c>.</summary>
    /// <exception cref="SettingsException">It is neither an IP address nor <c>localhost</c>.</exception>
    public static ListenAddress Parse(string host)
    {
        if (host.Equals(LocalHost, StringComparison.OrdinalIgnoreCase))
        {
            return new ListenAddress((IPAddress?)null);
        }

        return IPAddress.TryParse(host, out IPAddress? address)
            ? new ListenAddress(address)
            : throw new SettingsException($"Option 'ServerHost' is '{host}'; it must be an IP address or '{LocalHost}'.");
    }

    /// <summary>Makes the server listen here.</summary>
    public void Apply(KestrelServerOptions server, int port)
    {
        if (Address is not null)
        {
            server.Listen(Address, port);
        }
        else if (port == 0)
        {
            // A free port cannot be asked for in both address families at once.
            server.Listen(IPAddress.Loopback, port);
        }
        else
        {
            server.ListenLocalhost(port);
        }
    }
}
