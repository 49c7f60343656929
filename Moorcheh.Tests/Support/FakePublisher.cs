using System.Collections.Concurrent;
using System.Text;
using Moorcheh.Artifacts;

namespace Moorcheh.Tests.Support;

/// <summary>A broker in memory. It can be told to fail, to hang and to look around before it takes a message.</summary>
internal sealed class FakePublisher : ICallbackPublisher
{
    private readonly ConcurrentQueue<CallbackMessage> _taken = new();
    private readonly ConcurrentQueue<string> _attempts = new();

    /// <summary>Called before a message is taken; a failure refuses it.</summary>
    public Func<CallbackMessage, CancellationToken, Task>? OnPublish { get; set; }

    /// <summary>No message is taken while somebody else holds this.</summary>
    public Lock Taking { get; } = new();

    /// <summary>What was taken, in order.</summary>
    public IReadOnlyList<CallbackMessage> Taken => [.. _taken];

    /// <summary>Ids of all messages that were to be published, again and again.</summary>
    public IReadOnlyList<string> Attempts => [.. _attempts];

    public async Task PublishAsync(CallbackMessage message, CancellationToken cancellationToken)
    {
        _attempts.Enqueue(message.MessageId);
        if (OnPublish is { } onPublish)
        {
            await onPublish(message, cancellationToken);
        }

        lock (Taking)
        {
            _taken.Enqueue(message);
        }
    }

    /// <summary>What was taken of a task, in order, without repeats.</summary>
    public List<CallbackMessage> Of(ArtifactTaskStatus task) =>
        [.. Taken.Where(message => message.MessageId.StartsWith(task.JobId, StringComparison.Ordinal)).DistinctBy(message => message.MessageId)];

    /// <summary>For <see cref="OnPublish"/>: the message is neither taken nor refused.</summary>
    public static Task Hang(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);
}

/// <summary>Short forms for messages.</summary>
internal static class CallbackMessages
{
    public static string Text(this CallbackMessage message) => Encoding.UTF8.GetString(message.Body.Span);

    /// <summary>The number of the message in its task.</summary>
    public static int Number(this CallbackMessage message) => int.Parse(message.MessageId[37..], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary><c>done</c>, <c>error</c>, or step and percentage.</summary>
    public static string Say(this CallbackMessage message)
    {
        using var json = System.Text.Json.JsonDocument.Parse(message.Body);
        string kind = json.RootElement.GetProperty("type").GetString()!.Split('.')[^1];
        return kind == "progress"
            ? $"{json.RootElement.GetProperty("data").GetProperty("current_step").GetString()} {json.RootElement.GetProperty("data").GetProperty("percentage").GetRawText()}"
            : kind;
    }
}
