namespace Moorcheh.Search.Words;

/// <summary>The best texts so far: score descending, then namespace and id, which the caller compares by places.</summary>
/// <param name="limit">How many are kept.</param>
/// <param name="comparePlaces">Order of places with equal scores.</param>
internal sealed class BestWordHits(int limit, Comparison<int> comparePlaces)
{
    private readonly List<WordHit> _hits = new(limit);

    /// <summary>Best first.</summary>
    public IReadOnlyList<WordHit> Hits => _hits;

    /// <summary>What has less cannot come in.</summary>
    public double Least => _hits.Count == limit ? _hits[^1].Score : 0;

    /// <summary>Takes a text in if it is one of the best.</summary>
    public void Offer(int place, double score)
    {
        var hit = new WordHit(place, score);
        if (_hits.Count == limit)
        {
            if (Compare(hit, _hits[^1]) > 0)
            {
                return;
            }

            _hits.RemoveAt(limit - 1);
        }

        int low = 0;
        int high = _hits.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = Compare(hit, _hits[middle]) < 0 ? (low, middle) : (middle + 1, high);
        }

        _hits.Insert(low, hit);
    }

    private int Compare(WordHit x, WordHit y) => x.Score != y.Score ? y.Score.CompareTo(x.Score) : comparePlaces(x.Place, y.Place);
}
