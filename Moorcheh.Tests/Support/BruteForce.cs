namespace Moorcheh.Tests.Support;

/// <summary>The oracle: cosines in plain float64 loops, sorted by the published order.</summary>
internal static class BruteForce
{
    public static double Cosine(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double dot = 0, xx = 0, yy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            dot += (double)x[i] * y[i];
            xx += (double)x[i] * x[i];
            yy += (double)y[i] * y[i];
        }

        return xx == 0 || yy == 0 ? 0 : Math.Clamp(dot / (Math.Sqrt(xx) * Math.Sqrt(yy)), -1, 1);
    }

    /// <summary>Ids of the nearest vectors, best first; equal cosines (to 12 digits) by id, ordinal.</summary>
    public static string[] Nearest(IEnumerable<VectorItem> items, float[] query, int top) =>
    [
        .. items
            .Select(item => (item.Id, Cosine: Math.Round(Cosine(query, item.Vector.Span), 12)))
            .OrderByDescending(item => item.Cosine)
            .ThenBy(item => item.Id, StringComparer.Ordinal)
            .Take(top)
            .Select(item => item.Id),
    ];
}
