using Moorcheh.Artifacts;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Moorcheh.Documents.RabbitMq;

/// <summary>
/// A connection to a broker, with a channel for each exchange: publishing to an exchange that does not exist closes the channel, and so concerns no
/// message for another exchange. When it is lost it is lost.
/// </summary>
internal sealed class AmqpConnection
{
    /// <summary>The one exchange we declare; all others are their owners'.</summary>
    public const string OwnExchange = "main";

    /// <summary>Channels kept for exchanges nobody publishes to at the moment.</summary>
    private const int MaxIdleChannels = 64;

    // A broker confirms in milliseconds; one that runs out of memory or disk does not read any more.
    private static readonly TimeSpan ConfirmLimit = TimeSpan.FromSeconds(15);

    private static readonly CreateChannelOptions Confirmed = new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);

    private readonly IConnection _connection;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ExchangeChannel> _channels = new(StringComparer.Ordinal);

    private AmqpConnection(IConnection connection)
    {
        _connection = connection;
    }

    public bool IsOpen => _connection.IsOpen;

    /// <summary>Connects, and declares <see cref="OwnExchange"/>.</summary>
    public static async Task<AmqpConnection> OpenAsync(ConnectionFactory factory, CancellationToken cancellationToken)
    {
        IConnection connection = await factory.CreateConnectionAsync(cancellationToken);
        try
        {
            await DeclareAsync(connection, cancellationToken);
            return new AmqpConnection(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes a message and waits for the broker's confirmation.</summary>
    public async Task PublishAsync(CallbackMessage message, CancellationToken cancellationToken)
    {
        ExchangeChannel channel = Rent(message.Exchange);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConfirmLimit);
        bool isBroken = false;
        try
        {
            IChannel opened = await channel.Opening.WaitAsync(limit.Token);
            Task confirmed = opened.BasicPublishAsync(
                message.Exchange,
                message.RoutingKey,
                mandatory: false,
                new BasicProperties { ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent, MessageId = message.MessageId },
                message.Body,
                CancellationToken.None).AsTask(); // Cancelled, the client keeps the channel's lock on confirmations.
            _ = confirmed.ContinueWith(static abandoned => abandoned.Exception, TaskContinuationOptions.OnlyOnFaulted);
            await confirmed.WaitAsync(limit.Token);
        }
        catch (OperationInterruptedException e) when (message.Exchange == OwnExchange && e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            await DeclareAsync(_connection, limit.Token); // Somebody deleted it; the message is tried again.
            throw;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            isBroken = true; // The message may still be under way: nothing more goes this way.
            throw new TimeoutException($"The broker did not confirm the message in {ConfirmLimit.TotalSeconds} s.");
        }
        finally
        {
            Return(channel, isBroken);
        }
    }

    /// <summary>Closes the connection, whatever state it is in.</summary>
    public async Task CloseAsync(TimeSpan limit)
    {
        try
        {
            await _connection.CloseAsync(Constants.ReplySuccess, "closing", limit, abort: true);
            await _connection.DisposeAsync();
        }
        catch (Exception)
        {
            // It is gone either way.
        }
    }

    private static async Task DeclareAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await using IChannel channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await channel.ExchangeDeclareAsync(OwnExchange, ExchangeType.Topic, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        }
        catch (OperationInterruptedException) when (connection.IsOpen)
        {
            // It is there in another form, or we may not declare: those who set up the broker have decided.
        }
    }

    private ExchangeChannel Rent(string exchange)
    {
        lock (_lock)
        {
            if (!_channels.TryGetValue(exchange, out ExchangeChannel? channel) || channel.IsClosed)
            {
                _channels[exchange] = channel = new ExchangeChannel(exchange, _connection.CreateChannelAsync(Confirmed));
            }

            channel.Users++;
            return channel;
        }
    }

    private void Return(ExchangeChannel channel, bool isBroken)
    {
        lock (_lock)
        {
            channel.Users--;
            channel.IsBroken |= isBroken;
            bool isCurrent = _channels.GetValueOrDefault(channel.Exchange) == channel;
            if (isCurrent && !channel.IsClosed && _channels.Count <= MaxIdleChannels)
            {
                return;
            }

            if (channel.Users > 0)
            {
                return; // The last one closes it.
            }

            if (isCurrent)
            {
                _channels.Remove(channel.Exchange);
            }
        }

        _ = CloseAsync(channel);
    }

    private static async Task CloseAsync(ExchangeChannel channel)
    {
        try
        {
            await (await channel.Opening).DisposeAsync();
        }
        catch (Exception)
        {
            // It is gone either way.
        }
    }

    /// <summary>The channel of an exchange. Guarded by the connection's lock.</summary>
    private sealed class ExchangeChannel(string exchange, Task<IChannel> opening)
    {
        public string Exchange => exchange;

        public Task<IChannel> Opening => opening;

        /// <summary>Those who are publishing on it.</summary>
        public int Users { get; set; }

        /// <summary>True when it did not answer.</summary>
        public bool IsBroken { get; set; }

        /// <summary>True when nobody is to begin with it any more.</summary>
#pragma warning disable RS0030 // The task has completed: nothing waits.
        public bool IsClosed => IsBroken || opening.IsFaulted || opening.IsCanceled || (opening.IsCompletedSuccessfully && !opening.Result.IsOpen);
#pragma warning restore RS0030
    }
}
