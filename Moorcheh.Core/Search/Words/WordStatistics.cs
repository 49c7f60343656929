using Moorcheh.Index;

namespace Moorcheh.Search.Words;

/// <summary>What the word score needs to know of all live texts of the namespaces of a search, whatever its filter lets through. Immutable.</summary>
internal sealed class WordStatistics
{
    private readonly double[] _idf;

    /// <param name="texts">Live texts.</param>
    /// <param name="words">Words in all of them.</param>
    /// <param name="withWord">In how many of the texts each word of the query stands.</param>
    public WordStatistics(long texts, long words, ReadOnlySpan<long> withWord)
    {
        Texts = texts;
        MeanLength = texts == 0 ? 0 : (double)words / texts;
        _idf = new double[withWord.Length];
        for (int word = 0; word < _idf.Length; word++)
        {
            _idf[word] = Bm25.Idf(texts, withWord[word]);
        }
    }

    /// <summary>Live texts.</summary>
    public long Texts { get; }

    /// <summary>Words of a text on average.</summary>
    public double MeanLength { get; }

    /// <summary>Counts on the postings of segments.</summary>
    public static WordStatistics Count(IReadOnlyList<SegmentView> segments, QueryWords words)
    {
        Span<long> withWord = words.Count <= 64 ? stackalloc long[words.Count] : new long[words.Count];
        withWord.Clear();
        long texts = 0;
        long total = 0;
        foreach (SegmentView segment in segments)
        {
            texts += segment.LiveCount;
            total += segment.LiveWords;
            for (int word = 0; word < withWord.Length; word++)
            {
                withWord[word] += segment.LiveCount == segment.Count
                    ? segment.Postings.Find(words[word].Term).Count()
                    : segment.Postings.Find(words[word].Term).Count(segment.Live);
            }
        }

        return new WordStatistics(texts, total, withWord);
    }

    /// <summary>What a word of the query says.</summary>
    public double Idf(int word) => _idf[word];

    /// <summary>The score of a text.</summary>
    /// <param name="words">Of the query.</param>
    /// <param name="times">How often each stands in the text.</param>
    /// <param name="length">Words of the text.</param>
    public double Score(QueryWords words, ReadOnlySpan<int> times, int length)
    {
        double norm = Bm25.Norm(length, MeanLength);
        double score = 0;
        for (int word = 0; word < times.Length; word++)
        {
            if (times[word] > 0)
            {
                score += Bm25.Part(_idf[word], words[word].Times, times[word], norm);
            }
        }

        return Bm25.Round(score);
    }
}
