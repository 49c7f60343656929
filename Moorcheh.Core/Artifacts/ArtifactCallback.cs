namespace Moorcheh.Artifacts;

/// <summary>Where messages about a task go. Exchange and routing keys have at most <see cref="MaxNameBytes"/>.</summary>
/// <param name="Exchange">Name of the exchange; empty for the default exchange.</param>
public sealed record ArtifactCallback(string Exchange)
{
    /// <summary>Most UTF-8 bytes of an exchange or routing key: what AMQP has room for.</summary>
    public const int MaxNameBytes = 255;

    /// <summary>Routing key of the message of success; null or empty for the message's type.</summary>
    public string? RoutingKeyDone { get; init; }

    /// <summary>Routing key of the messages of progress; null or empty for the message's type. A delete sends them only when it is not null.</summary>
    public string? RoutingKeyProgress { get; init; }

    /// <summary>Routing key of the message of failure; null or empty for the message's type.</summary>
    public string? RoutingKeyError { get; init; }

    /// <summary>
    /// An object that every message gives back, at most <see cref="LimitOptions.MaxMetadataBytes"/> and <see cref="ItemMetadata.MaxDepth"/> levels; null for
    /// none.
    /// </summary>
    public ItemMetadata? Properties { get; init; }
}
