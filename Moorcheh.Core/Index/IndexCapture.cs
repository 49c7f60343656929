namespace Moorcheh.Index;

/// <summary>An index at one moment, to be written to files while changes go on.</summary>
/// <param name="Token">The name of its file; empty when the index never had a vector.</param>
/// <param name="IsSaved">True when the file is there already.</param>
/// <param name="Version">Of the index.</param>
/// <param name="Seed">Of its rotation.</param>
/// <param name="Dimension">Values per vector.</param>
/// <param name="Head">Position of the segment that grows, if it is not full; -1 when there is none.</param>
/// <param name="Segments">All segments by position.</param>
/// <param name="Sum">Sum of all vectors ever added, at length 1; empty when the file is there already.</param>
/// <param name="Summed">Their number.</param>
/// <param name="CentredOn">Vectors that the centre was last renewed for.</param>
internal sealed record IndexCapture(
    Guid Token,
    bool IsSaved,
    long Version,
    ulong Seed,
    int Dimension,
    int Head,
    IReadOnlyList<(Segment Segment, SegmentView View)> Segments,
    double[] Sum,
    long Summed,
    int CentredOn)
{
    /// <summary>Names of all files that belong to it.</summary>
    public IEnumerable<Guid> Files => Segments.Select(part => part.Segment.File).Append(Token);
}
