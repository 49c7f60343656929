namespace Moorcheh.Artifacts;

/// <summary>A message about a task, for an <see cref="ICallbackPublisher"/>.</summary>
/// <param name="Exchange">As the task's <see cref="ArtifactCallback"/> names it; empty for the default exchange.</param>
/// <param name="RoutingKey">The routing key.</param>
/// <param name="MessageId">Id of the task, a colon, and the number of the message in the task, from 1.</param>
/// <param name="Body">Compact JSON, UTF-8.</param>
public sealed record CallbackMessage(string Exchange, string RoutingKey, string MessageId, ReadOnlyMemory<byte> Body);
