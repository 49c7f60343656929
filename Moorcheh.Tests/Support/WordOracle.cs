using System.Text.RegularExpressions;
using Moorcheh.Search;

namespace Moorcheh.Tests.Support;

/// <summary>A text of an oracle, with what a filter sees.</summary>
internal sealed record OracleText(string Namespace, string Id, string Text, string Team);

/// <summary>A hit as it must be.</summary>
internal sealed record OracleHit(string Namespace, string Id, double Score, double? Semantic, double Keyword, string Words);

/// <summary>Searches by words on strings, one text after the other: the definition of docs/search.md and nothing else.</summary>
internal sealed partial class WordOracle(IReadOnlyList<OracleText> texts, int dimension)
{
    private readonly List<List<string>> _words = [.. texts.Select(text => Split(text.Text))];

    /// <summary>The words of a text.</summary>
    public static List<string> Split(string text)
    {
        List<string> words = [];
        foreach (Match run in Runs().Matches(text))
        {
            if (!run.Groups["pairs"].Success)
            {
                words.Add(run.Value);
                continue;
            }

            List<string> characters = [.. run.Value.EnumerateRunes().Select(rune => rune.ToString())];
            if (characters.Count == 1)
            {
                words.Add(run.Value);
            }

            for (int i = 1; i < characters.Count; i++)
            {
                words.Add(characters[i - 1] + characters[i]);
            }
        }

        return words;
    }

    /// <summary>The answer.</summary>
    public OracleHit[] Search(string query, SearchMode mode, int topK, double weight, Func<OracleText, bool> isWanted, bool hasVectors = true)
    {
        List<(string Word, int Times)> words =
        [
            .. Split(query).GroupBy(word => word, StringComparer.OrdinalIgnoreCase).Select(group => (group.First(), group.Count())),
        ];
        double[] keyword = Keyword(words);
        double[] cosines = [.. texts.Select(text => Cosine(query, text.Text))];
        int leg = Math.Clamp(topK * 10, 100, 1000);
        int[] byWords = [.. Best(i => keyword[i], i => isWanted(texts[i]) && HasAny(i, words)).Take(leg)];
        int[] byMeaning = [.. Best(i => cosines[i], i => isWanted(texts[i])).Take(leg)];
        Dictionary<int, double> scores = [];
        if (mode == SearchMode.Keyword)
        {
            double most = keyword.Max();
            foreach (int i in byWords)
            {
                scores[i] = keyword[i] / most;
            }
        }
        else
        {
            Mix(scores, byMeaning, i => ItsScore.FromCosine(cosines[i]), 1 - weight);
            Mix(scores, byWords, i => keyword[i], weight);
        }

        return
        [
            .. scores.Select(pair => (Item: pair.Key, Score: Six(pair.Value)))
                .OrderByDescending(hit => hit.Score)
                .ThenBy(hit => texts[hit.Item].Namespace, StringComparer.Ordinal)
                .ThenBy(hit => texts[hit.Item].Id, StringComparer.Ordinal)
                .Take(topK)
                .Select(hit => new OracleHit(
                    texts[hit.Item].Namespace,
                    texts[hit.Item].Id,
                    hit.Score,
                    hasVectors ? ItsScore.FromCosine(cosines[hit.Item]) : null,
                    keyword[hit.Item],
                    string.Join(' ', words.Where(word => Count(hit.Item, word.Word) > 0).Select(word => word.Word.ToLowerInvariant())))),
        ];
    }

    private static double Six(double value) => Math.Round(value, 6, MidpointRounding.AwayFromZero);

    private static void Mix(Dictionary<int, double> scores, int[] leg, Func<int, double> scoreOf, double share)
    {
        if (leg.Length == 0)
        {
            return;
        }

        double least = leg.Min(scoreOf);
        double most = leg.Max(scoreOf);
        foreach (int i in leg)
        {
            scores[i] = scores.GetValueOrDefault(i) + (share * (most > least ? (scoreOf(i) - least) / (most - least) : 1));
        }
    }

    private double[] Keyword(List<(string Word, int Times)> words)
    {
        double mean = texts.Count == 0 ? 0 : (double)_words.Sum(list => (long)list.Count) / texts.Count;
        double[] scores = new double[texts.Count];
        foreach ((string word, int times) in words)
        {
            int[] counts = [.. Enumerable.Range(0, texts.Count).Select(i => Count(i, word))];
            int df = counts.Count(count => count > 0);
            double idf = Math.Log(1 + ((texts.Count - df + 0.5) / (df + 0.5)));
            for (int i = 0; i < counts.Length; i++)
            {
                if (counts[i] > 0)
                {
                    double norm = 1.2 * (1 - 0.75 + (0.75 * _words[i].Count / mean));
                    scores[i] += times * (idf * (counts[i] * (1.2 + 1) / (counts[i] + norm)));
                }
            }
        }

        return [.. scores.Select(Six)];
    }

    private double Cosine(string query, string text)
    {
        float[] x = TestEmbedder.Embed(query, dimension);
        float[] y = TestEmbedder.Embed(text, dimension);
        return Oracle.Cosine(x, y);
    }

    private IEnumerable<int> Best(Func<int, double> scoreOf, Func<int, bool> isIn) =>
        Enumerable.Range(0, texts.Count).Where(isIn)
            .OrderByDescending(scoreOf)
            .ThenBy(i => texts[i].Namespace, StringComparer.Ordinal)
            .ThenBy(i => texts[i].Id, StringComparer.Ordinal);

    private int Count(int item, string word) => _words[item].Count(other => other.Equals(word, StringComparison.OrdinalIgnoreCase));

    private bool HasAny(int item, List<(string Word, int Times)> words) => words.Exists(word => Count(item, word.Word) > 0);

    // Blocks of the scripts, without the punctuation in them.
    [GeneratedRegex("(?<pairs>[\\p{IsCJKUnifiedIdeographs}\\p{IsHiragana}\\p{IsKatakana}\\p{IsHangulSyllables}\\p{IsThai}々-[・]]+|(?:\\ud840[\\udc00\\udc01])+)"
        + "|[\\p{L}\\p{Nd}_-[\\p{IsCJKUnifiedIdeographs}\\p{IsHiragana}\\p{IsKatakana}\\p{IsHangulSyllables}\\p{IsThai}々]]+")]
    private static partial Regex Runs();
}
