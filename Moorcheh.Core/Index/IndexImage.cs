namespace Moorcheh.Index;

/// <summary>An index read from files; see <see cref="IndexCapture"/>.</summary>
internal sealed record IndexImage(
    Guid Token,
    RotationSigns Rotation,
    int Dimension,
    int Head,
    IReadOnlyList<Segment> Segments,
    double[] Sum,
    long Summed,
    int CentredOn);
