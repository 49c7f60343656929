using System.Net.Security;
using RabbitMQ.Client;

namespace Moorcheh.Documents.RabbitMq;

/// <summary>Where the broker of the callbacks is: <c>amqp(s)://user:pass@host:5672/vhost</c>. Its text shows no secret.</summary>
internal sealed class BrokerAddress
{
    private readonly Uri _uri;

    private BrokerAddress(Uri uri)
    {
        _uri = uri;
    }

    /// <summary>Reads an address; null for an empty one.</summary>
    /// <exception cref="ArgumentException">It is none. The message does not show it: it may hold a password.</exception>
    public static BrokerAddress? Parse(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Length == 0)
        {
            return null;
        }

        bool isGood = Uri.TryCreate(address, UriKind.Absolute, out Uri? uri)
            && uri is { Scheme: "amqp" or "amqps", Host.Length: > 0, Query.Length: 0, Fragment.Length: 0, Segments.Length: <= 2 }
            && !uri.AbsolutePath.EndsWith("//", StringComparison.Ordinal)
            && uri.UserInfo.Count(c => c == ':') <= 1;
        return isGood
            ? new BrokerAddress(uri!)
            : throw new ArgumentException(
                $"Option '{nameof(MoorchehDocumentsOptions.CallbackBroker)}' is no address of a broker; it must read "
                    + "amqp://user:password@host:port/vhost or amqps://..., percent-encoded where needed.");
    }

    /// <summary>Gives the address to a factory.</summary>
    public void Apply(ConnectionFactory factory)
    {
        factory.Uri = _uri;
        factory.Ssl.AcceptablePolicyErrors = SslPolicyErrors.None; // The client has just set it to accept the certificate of any host.
    }

    /// <inheritdoc/>
    public override string ToString() => $"{_uri.Scheme}://{_uri.Host}:{(_uri.Port > 0 ? _uri.Port : _uri.Scheme == "amqps" ? 5671 : 5672)}";
}
