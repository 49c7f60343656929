using Moorcheh.Documents.RabbitMq;
using Moorcheh.Documents.Uris;

namespace Moorcheh.Documents;

/// <summary>Settings of <see cref="MoorchehDocumentsServiceCollectionExtensions.AddMoorchehDocuments"/>, read when the store is opened.</summary>
public sealed class MoorchehDocumentsOptions
{
    /// <summary>Default of <see cref="MaxIngestBytes"/>: 64 MiB.</summary>
    public const int DefaultMaxIngestBytes = 64 << 20;

    /// <summary>Greatest <see cref="MaxIngestBytes"/>: 1 GiB.</summary>
    public const int GreatestMaxIngestBytes = 1 << 30;

    /// <summary>
    /// The RabbitMQ broker for messages about tasks: <c>amqp(s)://user:password@host:port/vhost</c>, percent-encoded where needed. Empty (default):
    /// messages are dropped.
    /// </summary>
    public string CallbackBroker { get; set; } = "";

    /// <summary>
    /// Hosts that documents may be fetched from: <c>host</c> or <c>*.suffix</c>, with <c>:port</c> if it is not the default one of http or https, and behind
    /// a blank <c>allow-private</c> where loopback, private and link-local addresses are fine. Default empty: no host.
    /// </summary>
    public IList<string> UriAllowedHosts { get; set; } = [];

    /// <summary>Most bytes of a document that is fetched, 1 to <see cref="GreatestMaxIngestBytes"/>. Default <see cref="DefaultMaxIngestBytes"/>.</summary>
    public int MaxIngestBytes { get; set; } = DefaultMaxIngestBytes;

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">A setting is out of range or cannot be read; the message names it, its value unless it may hold a password, and the rule.</exception>
    public void Validate()
    {
        if (MaxIngestBytes is < 1 or > GreatestMaxIngestBytes)
        {
            throw new ArgumentException($"Option '{nameof(MaxIngestBytes)}' is {MaxIngestBytes}; it must be from 1 to {GreatestMaxIngestBytes}.");
        }

        UriAllowList.Check(UriAllowedHosts);
        _ = BrokerAddress.Parse(CallbackBroker);
    }
}
