using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Documents.RabbitMq;
using RabbitMQ.Client;

namespace Moorcheh.Documents;

/// <summary>
/// Publishes messages on RabbitMQ over one connection, which is made anew when it is lost. Whoever publishes while there is none waits for it. Safe
/// for use from several threads.
/// </summary>
public sealed class RabbitMqPublisher : ICallbackPublisher, IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(60);

    // From the first packet to the declared exchange.
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(2);

    private readonly BrokerAddress _address;
    private readonly ConnectionFactory _factory;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private Task<AmqpConnection>? _connecting;

    /// <summary>Makes a publisher; it connects when the first message is published, or with <see cref="Start"/>.</summary>
    /// <param name="address">The broker: <c>amqp(s)://user:password@host:port/vhost</c>, percent-encoded where needed.</param>
    /// <param name="timeProvider">The clock of the pauses between attempts to connect; null for the system's.</param>
    /// <param name="logger">Is told of connections made, lost and failed, without the password; null for none.</param>
    /// <exception cref="ArgumentException">The address cannot be read. The message does not show it.</exception>
    public RabbitMqPublisher(string address, TimeProvider? timeProvider = null, ILogger<RabbitMqPublisher>? logger = null)
        : this(
            BrokerAddress.Parse(address) ?? throw new ArgumentException("The address of the broker is empty.", nameof(address)),
            timeProvider ?? TimeProvider.System,
            logger ?? NullLogger<RabbitMqPublisher>.Instance)
    {
    }

    internal RabbitMqPublisher(BrokerAddress address, TimeProvider clock, ILogger<RabbitMqPublisher> logger)
    {
        _address = address;
        _clock = clock;
        _logger = logger;
        _factory = new ConnectionFactory
        {
            AutomaticRecoveryEnabled = false, // Done here: a message is published again by who has it, not by the client.
            ClientProvidedName = "moorcheh",
            RequestedConnectionTimeout = TimeSpan.FromSeconds(10),
            RequestedHeartbeat = TimeSpan.FromSeconds(20),
            HandshakeContinuationTimeout = TimeSpan.FromSeconds(10),
            ContinuationTimeout = TimeSpan.FromSeconds(10),
        };
        address.Apply(_factory);
    }

    /// <inheritdoc/>
    public async Task PublishAsync(CallbackMessage message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        AmqpConnection connection = await Connected().WaitAsync(cancellationToken);
        await connection.PublishAsync(message, cancellationToken);
    }

    /// <summary>Begins to connect, so that the exchange we declare is there before the first message.</summary>
    public void Start() => _ = Connected();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        Task<AmqpConnection>? last;
        lock (_lock)
        {
            last = _connecting;
        }

        if (last is not null)
        {
            await ((Task)last).WaitAsync(CloseLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (last.IsCompletedSuccessfully)
            {
                await (await last).CloseAsync(CloseLimit);
            }
        }
    }

    /// <summary>The connection, or that which is being made.</summary>
    private Task<AmqpConnection> Connected()
    {
        lock (_lock)
        {
            if (_connecting is { IsFaulted: true })
            {
                _connecting = null; // What ended it was not the broker: a logger of the host, say.
            }

#pragma warning disable RS0030 // The task has completed: nothing waits.
            if (_connecting is { IsCompletedSuccessfully: true } made && !made.Result.IsOpen)
            {
                _logger.BrokerLost(_address);
                _ = made.Result.CloseAsync(CloseLimit);
                _connecting = null;
            }
#pragma warning restore RS0030

            return _connecting ??= Task.Run(ConnectAsync);
        }
    }

    /// <summary>Tries to connect until that succeeds.</summary>
    private async Task<AmqpConnection> ConnectAsync()
    {
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < MaxPause ? pause * 2 : MaxPause)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            limit.CancelAfter(ConnectLimit);
            try
            {
                AmqpConnection connection = await AmqpConnection.OpenAsync(_factory, limit.Token);
                _logger.BrokerConnected(_address);
                return connection;
            }
            catch (Exception e) when (!_closing.IsCancellationRequested)
            {
                string reason = limit.IsCancellationRequested ? $"no answer in {ConnectLimit.TotalSeconds} s" : e.GetBaseException().Message.TrimEnd('.');
                _logger.BrokerUnreachable(_address, reason, pause.TotalSeconds);
            }

            await Task.Delay(pause, _clock, _closing.Token);
        }
    }
}
