namespace Moorcheh.Index;

/// <summary>All segments of a namespace at one moment. Immutable.</summary>
/// <param name="Segments">In order of filling.</param>
/// <param name="Count">Live slots over all segments.</param>
/// <param name="Dimension">Values per vector; 0 before the first vector.</param>
internal sealed record IndexSnapshot(IReadOnlyList<SegmentView> Segments, long Count, int Dimension)
{
    public static IndexSnapshot Empty { get; } = new([], 0, 0);
}
