namespace Moorcheh;

/// <summary>
/// ITS, information theoretic similarity: <c>sqrt(1 - H2(x))</c> with <c>x = angle / pi</c> and H2 the binary entropy in bits,
/// for angles below 90 degrees; 0 from there on. It is the square root of the capacity of a binary symmetric channel
/// whose crossover x is the expected fraction of differing sign bits of two vectors at that angle.
/// </summary>
internal static class ItsScore
{
    /// <summary>The score of a cosine.</summary>
    /// <param name="cosine">-1 to 1; values outside by rounding are clamped.</param>
    /// <returns>0 to 1, increasing with the cosine, rounded to 6 decimals (half away from zero).</returns>
    public static double FromCosine(double cosine)
    {
        if (!(cosine > 0))
        {
            return 0;
        }

        double x = Math.Acos(Math.Min(cosine, 1)) / Math.PI;
        double entropy = x <= 0 ? 0 : -(x * Math.Log2(x)) - ((1 - x) * Math.Log2(1 - x));
        return Math.Round(Math.Sqrt(Math.Max(0, 1 - entropy)), 6, MidpointRounding.AwayFromZero);
    }

    /// <summary>The words for a rounded score, from <c>Close Match</c> (0.894 and more) down to <c>Irrelevant</c> (below 0.1).</summary>
    public static string Label(double score) => score switch
    {
        >= 0.894 => "Close Match",
        >= 0.632 => "Very High Relevance",
        >= 0.447 => "High Relevance",
        >= 0.316 => "Good Relevance",
        >= 0.224 => "Low Relevance",
        >= 0.1 => "Very Low Relevance",
        _ => "Irrelevant",
    };
}
