using System.Globalization;
using System.Text;
using Moorcheh.Index;
using Moorcheh.Search.Words;

namespace Moorcheh.Tests.Search;

/// <summary>
/// The word leg over several segments, with lists and bitmaps, dead slots and masks: what it skips changes nothing. The oracle scores every text by the formula
/// and sorts all.
/// </summary>
[CancelAfter(120_000)]
internal sealed class WordLegTests
{
    // More than two segments.
    private const int Count = 140_000;
    private const int Vocabulary = 30_000;
    private const int Dead = 7;

    private int[][] _texts = [];
    private IReadOnlyList<SegmentView> _segments = [];

    [OneTimeSetUp]
    public void Fill()
    {
        var random = new Random(1);
        _texts = [.. Enumerable.Range(0, Count).Select(_ => Enumerable.Range(0, random.Next(3, 25)).Select(_ => Zipf(random)).ToArray())];
        var index = new NamespaceIndex(1);
        float[] vector = [1, 0, 0, 0, 0, 0, 0, 0];
        for (int i = 0; i < Count; i++)
        {
            index.Put(Id(i), vector, i, "{}"u8, Encoding.UTF8.GetBytes(string.Join(' ', _texts[i].Select(Word))));
        }

        for (int i = 0; i < Count; i += Dead)
        {
            index.Remove(Id(i));
        }

        index.Publish();
        _segments = index.Snapshot.Segments;
        Assert.That(_segments, Has.Count.EqualTo(3));
    }

    [TestCase(100, 0)]
    [TestCase(1000, 0)]
    [TestCase(100, 2)]
    [TestCase(100, 1000)]
    [TestCase(100, 50_000)]
    public void Find_RandomQueries_EqualsScoringAll(int limit, int oneOf)
    {
        var random = new Random(limit + oneOf);
        for (int query = 0; query < 12; query++)
        {
            // From single rare words to sentences of common ones; some words stand in it twice.
            int[] asked = [.. Enumerable.Range(0, 1 + (query % 6)).Select(_ => query % 3 == 0 ? random.Next(12) : Zipf(random))];
            QueryWords words = QueryWords.Parse(string.Join(' ', asked.Select(Word)));
            WordStatistics statistics = WordStatistics.Count(_segments, words);
            ulong[]?[]? masks = oneOf == 0 ? null : Masks(oneOf);
            var best = new BestWordHits(limit, Compare);
            double most = WordLeg.Find(_segments, masks, words, statistics, best, limit, wantsMost: true);

            (int Item, double Score)[] expected = Score(asked);
            Assert.That(most, Is.EqualTo(expected.Max(hit => hit.Score)), $"query {query}");
            (int, double)[] wanted = [.. expected.Where(hit => oneOf == 0 || hit.Item % oneOf == 0).Take(limit)];
            Assert.That(best.Hits.Select(hit => (Item(hit.Place), hit.Score)), Is.EqualTo(wanted), $"query {query}");
        }
    }

    [Test]
    public void Find_ManyEqualTexts_GivesTheFirstIds()
    {
        QueryWords words = QueryWords.Parse("same");
        var index = new NamespaceIndex(1);
        for (int i = 0; i < 5000; i++)
        {
            index.Put(Id(4999 - i), [1, 0], i, "{}"u8, "the same text"u8);
        }

        index.Publish();
        IReadOnlyList<SegmentView> segments = index.Snapshot.Segments;
        var best = new BestWordHits(100, (x, y) => segments[0].Id(x).SequenceCompareTo(segments[0].Id(y)));
        WordLeg.Find(segments, null, words, WordStatistics.Count(segments, words), best, 100, wantsMost: false);
        Assert.That(best.Hits.Select(hit => 4999 - hit.Place), Is.EqualTo(Enumerable.Range(0, 100)));
    }

    private static byte[] Id(int item) => Encoding.UTF8.GetBytes(item.ToString("D7", CultureInfo.InvariantCulture));

    private static string Word(int rank) => $"w{rank}";

    private static int Zipf(Random random) => (int)Math.Exp(random.NextDouble() * Math.Log(Vocabulary)) - 1;

    private int Compare(int x, int y) => Item(x).CompareTo(Item(y));

    private int Item(int place) => (int)_segments[place / Segment.Capacity].RecordNumber(place % Segment.Capacity);

    private ulong[]?[] Masks(int oneOf) =>
    [
        .. _segments.Select(view =>
        {
            ulong[] mask = view.Live.ToArray();
            for (int slot = 0; slot < view.Count; slot++)
            {
                if (view.RecordNumber(slot) % oneOf != 0)
                {
                    mask[slot / 64] &= ~(1UL << (slot % 64));
                }
            }

            return mask;
        }),
    ];

    private (int Item, double Score)[] Score(int[] asked)
    {
        int[] live = [.. Enumerable.Range(0, Count).Where(item => item % Dead != 0)];
        double mean = (double)live.Sum(item => (long)_texts[item].Length) / live.Length;
        double[] scores = new double[Count];
        foreach (IGrouping<int, int> word in asked.GroupBy(word => word))
        {
            int df = live.Count(item => _texts[item].Contains(word.Key));
            double idf = Math.Log(1 + ((live.Length - df + 0.5) / (df + 0.5)));
            foreach (int item in live)
            {
                int tf = _texts[item].Count(other => other == word.Key);
                double norm = 1.2 * (1 - 0.75 + (0.75 * _texts[item].Length / mean));
                scores[item] += tf == 0 ? 0 : word.Count() * (idf * (tf * (1.2 + 1) / (tf + norm)));
            }
        }

        return
        [
            .. live.Where(item => scores[item] > 0)
                .Select(item => (item, Math.Round(scores[item], 6, MidpointRounding.AwayFromZero)))
                .OrderByDescending(hit => hit.Item2)
                .ThenBy(hit => hit.item),
        ];
    }
}
