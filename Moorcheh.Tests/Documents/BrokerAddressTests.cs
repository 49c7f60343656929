using System.Net.Security;
using Moorcheh.Documents.RabbitMq;
using RabbitMQ.Client;

namespace Moorcheh.Tests.Documents;

internal sealed class BrokerAddressTests
{
    /// <summary>By itself the client takes the certificate of any host from an address.</summary>
    [Test]
    public void Apply_WithTls_ACertificateMustNameTheHost()
    {
        var factory = new ConnectionFactory();
        BrokerAddress.Parse("amqps://user:word@broker.example/v")!.Apply(factory);
        Assert.That((factory.Ssl.Enabled, factory.Ssl.ServerName, factory.Ssl.AcceptablePolicyErrors), Is.EqualTo((true, "broker.example", SslPolicyErrors.None)));
    }
}
