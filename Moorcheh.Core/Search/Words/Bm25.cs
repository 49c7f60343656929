namespace Moorcheh.Search.Words;

/// <summary>
/// The formula of the word score, in float64: of each word of the query, in their order,
/// <c>times * (idf * (tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean))))</c> with <c>idf = ln(1 + (N - df + 0.5) / (df + 0.5))</c>. One place computes it
/// for the index, for records and for a candidate, so that the same numbers always give the same bits.
/// </summary>
internal static class Bm25
{
    /// <summary>How soon a further repeat of a word in a text says no more.</summary>
    public const double K1 = 1.2;

    /// <summary>How much the length of a text counts.</summary>
    public const double B = 0.75;

    /// <summary>What a word says that stands in so many of the texts.</summary>
    public static double Idf(long texts, long withWord) => Math.Log(1 + ((texts - withWord + 0.5) / (withWord + 0.5)));

    /// <summary>What the length of a text adds to the counts of its words.</summary>
    public static double Norm(int length, double mean) => K1 * (1 - B + (B * length / mean));

    /// <summary>The part of one word of the query in the score of a text.</summary>
    public static double Part(double idf, int inQuery, int inText, double norm) => inQuery * (idf * (inText * (K1 + 1) / (inText + norm)));

    /// <summary>A score as it is told, compared and mapped: six decimals, half away from zero.</summary>
    public static double Round(double score) => Math.Round(score, 6, MidpointRounding.AwayFromZero);
}
