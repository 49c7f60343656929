using Moorcheh.Search.Words;

namespace Moorcheh.Search;

/// <summary>
/// Makes one ranking of the best of both legs. Each leg's scores are mapped to 0..1 between the least and the most of its best; those of a leg whose scores are
/// all equal to 1; an item that is not among the best of a leg has 0 of it. Order: score with six decimals, descending, then namespace, then id.
/// </summary>
internal static class Fusion
{
    /// <summary>Least best items of a leg.</summary>
    public const int MinLeg = 100;

    private const int MaxLeg = 1000;
    private const int LegPerHit = 10;

    /// <summary>How many of its best a leg gives.</summary>
    public static int LegOf(int topK) => Math.Clamp(topK * LegPerHit, MinLeg, MaxLeg);

    /// <summary>The ranking of a keyword search: scores as shares of the greatest.</summary>
    public static Mixed[] Rank(IReadOnlyList<WordHit> words, double most, SearchScope scope) =>
        Sort([.. words.Select(hit => new Mixed(hit.Place, Bm25.Round(most > 0 ? hit.Score / most : 1), null, hit.Score))], scope);

    /// <summary>The ranking of a hybrid search.</summary>
    /// <param name="nearest">Places and cosines, best first.</param>
    /// <param name="words">Best first.</param>
    /// <param name="weight">Share of the words.</param>
    /// <param name="scope">Compares places.</param>
    public static Mixed[] Mix(
        IReadOnlyList<(int Place, double Cosine)> nearest, IReadOnlyList<WordHit> words, double weight, SearchScope scope)
    {
        var mixed = new Dictionary<int, Mixed>(nearest.Count + words.Count);
        if (nearest.Count > 0)
        {
            double most = ItsScore.FromCosine(nearest[0].Cosine);
            double least = ItsScore.FromCosine(nearest[^1].Cosine);
            foreach ((int place, double cosine) in nearest)
            {
                double share = Map(ItsScore.FromCosine(cosine), least, most);
                mixed.Add(place, new Mixed(place, (1 - weight) * share, cosine, null));
            }
        }

        foreach (WordHit hit in words)
        {
            double share = weight * Map(hit.Score, words[^1].Score, words[0].Score);
            mixed[hit.Place] = mixed.TryGetValue(hit.Place, out Mixed found)
                ? found with { Score = found.Score + share, WordScore = hit.Score }
                : new Mixed(hit.Place, share, null, hit.Score);
        }

        return Sort([.. mixed.Values.Select(item => item with { Score = Bm25.Round(item.Score) })], scope);
    }

    private static double Map(double score, double least, double most) => most > least ? (score - least) / (most - least) : 1;

    private static Mixed[] Sort(Mixed[] items, SearchScope scope)
    {
        items.AsSpan().Sort((x, y) => x.Score != y.Score ? y.Score.CompareTo(x.Score) : scope.ComparePlaces(x.Place, y.Place));
        return items;
    }
}

/// <summary>An item of a ranking by words, or by words and vectors.</summary>
/// <param name="Place">In the scope.</param>
/// <param name="Score">With six decimals.</param>
/// <param name="Cosine">Known when it is among the nearest.</param>
/// <param name="WordScore">Known when it is among the best by words.</param>
internal readonly record struct Mixed(int Place, double Score, double? Cosine, double? WordScore);
