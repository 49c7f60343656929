using System.Text;
using RabbitMQ.Client;

namespace Moorcheh.Tests.Support;

/// <summary>A message as a consumer gets it.</summary>
internal sealed record Delivery(string RoutingKey, string Id, string Body, string? ContentType, DeliveryModes Mode, string Headers)
{
    /// <summary>Id of the task.</summary>
    public string Task => Id[..36];

    /// <summary>Number in the task.</summary>
    public int Number => int.Parse(Id[37..], System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>A durable queue of a broker, and what was taken from it. It is read when asked, so that nothing is under way when the broker is killed.</summary>
internal sealed class RabbitQueue(RabbitBroker broker, string name)
{
    private readonly List<Delivery> _taken = [];

    /// <summary>All that was taken so far, in order.</summary>
    public IReadOnlyList<Delivery> Taken => _taken;

    /// <summary>Declares a durable topic exchange.</summary>
    public static Task DeclareExchangeAsync(RabbitBroker broker, string exchange) =>
        DoAsync(broker, channel => channel.ExchangeDeclareAsync(exchange, ExchangeType.Topic, durable: true));

    /// <summary>Declares a queue with a name of its own and binds it to all messages of an exchange, which is declared when it is not the default one.</summary>
    public static async Task<RabbitQueue> BindAsync(RabbitBroker broker, string exchange)
    {
        var queue = new RabbitQueue(broker, $"queue-{Guid.NewGuid():N}");
        await DeclareExchangeAsync(broker, exchange);
        await DoAsync(broker, async channel =>
        {
            await channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync(queue.Name, exchange, "#");
        });
        return queue;
    }

    /// <summary>
    /// Declares an exchange all of whose messages come to a queue of its own from its first moment on. One that is bound after it is declared may miss
    /// what is published in between.
    /// </summary>
    public static async Task<RabbitQueue> BehindNewExchangeAsync(RabbitBroker broker, string exchange)
    {
        var queue = new RabbitQueue(broker, $"queue-{Guid.NewGuid():N}");
        await DoAsync(broker, async channel =>
        {
            await channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false);
            await channel.ExchangeDeclareAsync(queue.Name, ExchangeType.Fanout, durable: true);
            await channel.QueueBindAsync(queue.Name, queue.Name, "");
            await channel.ExchangeDeclareAsync(
                exchange, ExchangeType.Topic, durable: true, arguments: new Dictionary<string, object?> { ["alternate-exchange"] = queue.Name });
        });
        return queue;
    }

    public string Name => name;

    /// <summary>Does something on a channel of its own.</summary>
    public static async Task DoAsync(RabbitBroker broker, Func<IChannel, Task> act)
    {
        await using IConnection connection = await new ConnectionFactory { Uri = new Uri(broker.Address) }.CreateConnectionAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        await act(channel);
    }

    /// <summary>Takes messages until a condition holds for all that were taken.</summary>
    public async Task<IReadOnlyList<Delivery>> TakeUntilAsync(Func<IReadOnlyList<Delivery>, bool> isEnough)
    {
        await DoAsync(broker, async channel =>
        {
            while (!isEnough(_taken))
            {
                await TakeAsync(channel);
                await Task.Delay(10, TestStore.Token);
            }
        });
        return _taken;
    }

    /// <summary>Takes what is there.</summary>
    public async Task<IReadOnlyList<Delivery>> TakeAllAsync()
    {
        await DoAsync(broker, TakeAsync);
        return _taken;
    }

    private async Task TakeAsync(IChannel channel)
    {
        while (await channel.BasicGetAsync(name, autoAck: true, TestStore.Token) is { } got)
        {
            _taken.Add(new Delivery(
                got.RoutingKey, got.BasicProperties.MessageId!, Encoding.UTF8.GetString(got.Body.Span), got.BasicProperties.ContentType, got.BasicProperties.DeliveryMode, string.Join(',', got.BasicProperties.Headers?.Keys ?? [])));
        }
    }
}
