namespace Moorcheh.Indexing;

/// <summary>A scored slot of one of the searched namespaces.</summary>
/// <param name="Cosine">Exact cosine of query and vector.</param>
/// <param name="Source">Position in the list of searched namespaces, which is in the order of their names.</param>
/// <param name="Segment">Its segment.</param>
/// <param name="Slot">Its slot.</param>
internal readonly record struct Candidate(double Cosine, int Source, SegmentView Segment, int Slot)
{
    /// <summary>The order of hits: cosine descending, then namespace, then id. Total, because ids are unique in a namespace.</summary>
    public static readonly Comparison<Candidate> BestFirst = static (x, y) =>
    {
        int order = y.Cosine.CompareTo(x.Cosine);
        order = order != 0 ? order : x.Source.CompareTo(y.Source);
        return order != 0 ? order : OrdinalUtf8.Compare(x.Segment.Id(x.Slot), y.Segment.Id(y.Slot));
    };
}
