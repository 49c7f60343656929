namespace Moorcheh.Tests.Support;

/// <summary>A hit as it must be, to the last bit of the cosine.</summary>
internal readonly record struct ExpectedHit(string Id, double Cosine);

/// <summary>
/// Brute force to the last bit: the sum that docs/decisions/001 defines, in plain loops, and a full sort in the published order. Unlike
/// <see cref="BruteForce"/> it does not round, so near-duplicates have one right order.
/// </summary>
internal sealed class Oracle(IReadOnlyList<VectorItem> items)
{
    private const int Lanes = 16;

    private readonly double[] _norms = [.. items.Select(item => Norm(item.Vector.Span))];

    public static double Cosine(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Cosine(Dot(x, y), Norm(x), Norm(y));

    /// <summary>The published order: cosine descending, then id, ordinal.</summary>
    public static int Compare(ExpectedHit x, ExpectedHit y)
    {
        int order = y.Cosine.CompareTo(x.Cosine);
        return order != 0 ? order : string.CompareOrdinal(x.Id, y.Id);
    }

    /// <summary>The nearest items, or the nearest of those that are wanted.</summary>
    public ExpectedHit[] Nearest(ReadOnlySpan<float> query, int top, Func<VectorItem, bool>? isWanted = null)
    {
        double norm = Norm(query);
        List<ExpectedHit> hits = [];
        for (int i = 0; i < items.Count; i++)
        {
            if (isWanted?.Invoke(items[i]) ?? true)
            {
                hits.Add(new ExpectedHit(items[i].Id, Cosine(Dot(query, items[i].Vector.Span), norm, _norms[i])));
            }
        }

        hits.Sort(Compare);
        return [.. hits.Take(top)];
    }

    private static double Norm(ReadOnlySpan<float> x) => Math.Sqrt(Dot(x, x));

    private static double Cosine(double dot, double normX, double normY) =>
        normX * normY > 0 ? Math.Clamp(dot / (normX * normY), -1, 1) : 0;

    private static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Span<double> lanes = stackalloc double[Lanes];
        lanes.Clear();
        for (int i = 0; i < x.Length; i++)
        {
            lanes[i % Lanes] += (double)x[i] * y[i];
        }

        for (int width = Lanes / 2; width > 0; width /= 2)
        {
            for (int j = 0; j < width; j++)
            {
                lanes[j] += lanes[j + width];
            }
        }

        return lanes[0];
    }
}
