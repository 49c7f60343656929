namespace Moorcheh.Artifacts;

/// <summary>Delivers messages about tasks to a message broker; see <see cref="ArtifactOptions.CallbackPublisher"/>. Called from several threads at once.</summary>
public interface ICallbackPublisher
{
    /// <summary>
    /// Publishes a message. Messages of one task come one after the other, each when the one before is done. A message whose publishing failed, or
    /// that was being published when the process ended, comes again with the same id and bytes.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Cancelled when the message is not wanted any more, when it took too long, or when the store is closing.</param>
    /// <returns>Completes when the broker has taken the message over; fails when that is not certain.</returns>
    Task PublishAsync(CallbackMessage message, CancellationToken cancellationToken);
}
