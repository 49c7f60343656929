namespace Moorcheh.Testing;

/// <summary>
/// Measures of one ranking against graded judgements. A document that was not judged has grade 0. Formulas: Järvelin and Kekäläinen,
/// "Cumulated gain-based evaluation of IR techniques" (2002), with the gain 2^grade - 1 of Burges et al. (2005).
/// </summary>
public static class RetrievalMetrics
{
    /// <summary>Normalised discounted cumulative gain of the first <paramref name="depth"/> places, 0 to 1.</summary>
    /// <param name="ranking">Ids, best first, each once.</param>
    /// <param name="grades">Grade by id, 0 and up.</param>
    /// <param name="depth">Places that count.</param>
    /// <returns>0 where no document has a grade above 0.</returns>
    public static double Ndcg(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> grades, int depth)
    {
        double best = Gain(grades.Values.Where(grade => grade > 0).OrderDescending().Take(depth));
        return best == 0 ? 0 : Gain(ranking.Take(depth).Select(id => grades.GetValueOrDefault(id))) / best;
    }

    /// <summary>Share of the documents with a grade above 0 that are among the first <paramref name="depth"/>; 0 where there are none.</summary>
    public static double Recall(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> grades, int depth)
    {
        int relevant = grades.Values.Count(grade => grade > 0);
        return relevant == 0 ? 0 : (double)ranking.Take(depth).Count(id => grades.GetValueOrDefault(id) > 0) / relevant;
    }

    /// <summary>One over the place of the first document with a grade above 0, counted from 1; 0 where the ranking has none.</summary>
    public static double ReciprocalRank(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> grades)
    {
        for (int i = 0; i < ranking.Count; i++)
        {
            if (grades.GetValueOrDefault(ranking[i]) > 0)
                return 1.0 / (i + 1);
        }

        return 0;
    }

    private static double Gain(IEnumerable<int> grades) => grades.Select((grade, i) => (Math.Pow(2, grade) - 1) / Math.Log2(i + 2)).Sum();
}
