namespace Moorcheh.Http.Artifacts;

/// <summary>A request does not have the shape its route asks for.</summary>
internal sealed class SchemaException(IReadOnlyList<SchemaFault> faults) : Exception("The request does not have the shape its route asks for.")
{
    /// <summary>In the order of the shape.</summary>
    public IReadOnlyList<SchemaFault> Faults { get; } = faults;
}
