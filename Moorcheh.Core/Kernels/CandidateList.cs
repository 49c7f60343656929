namespace Moorcheh.Kernels;

/// <summary>Collects the slots whose upper bound reaches the k-th largest lower bound seen so far.</summary>
/// <remarks>
/// The threshold only rises, and at every moment the final k-th largest lower bound is at least the threshold. So a slot that was left
/// out could not have come back, and what was taken too early is dropped by <see cref="Prune"/>. The buffers are the caller's.
/// </remarks>
/// <param name="items">Room for candidates; at least 64.</param>
/// <param name="best">As long as k: a heap of the largest lower bounds.</param>
internal ref struct CandidateList(Span<Candidate> items, Span<float> best)
{
    private readonly Span<Candidate> _items = items;
    private readonly Span<float> _best = best;
    private int _bestCount;

    /// <summary>Candidates held.</summary>
    public int Count { get; private set; }

    /// <summary>No slot whose upper bound is below this can be among the k best; minus infinity until k slots were offered.</summary>
    public float Threshold { get; private set; } = float.NegativeInfinity;

    /// <summary>The candidates in the order they came.</summary>
    public readonly Span<Candidate> Items => _items[..Count];

    /// <summary>Whether a whole block fits.</summary>
    public readonly bool HasRoomForBlock => _items.Length - Count >= BlockLayout.SlotsPerBlock;

    /// <summary>Raises the threshold to a proved lower bound of the k-th best cosine, for example from exact scores.</summary>
    public void RaiseThreshold(float threshold)
    {
        if (threshold > Threshold)
        {
            Threshold = threshold;
        }
    }

    /// <summary>Adds a candidate, and its lower bound to those that decide the threshold.</summary>
    /// <remarks>Written so that a candidate whose bounds are not numbers is kept, and never raises the threshold.</remarks>
    public void Add(Candidate candidate)
    {
        if (candidate.Upper < Threshold)
        {
            return;
        }

        _items[Count++] = candidate;
        if (_bestCount < _best.Length)
        {
            if (float.IsNaN(candidate.Lower))
            {
                return;
            }

            SiftUp(candidate.Lower);
            if (_bestCount == _best.Length)
            {
                RaiseThreshold(_best[0]);
            }
        }
        else if (_best.Length > 0 && candidate.Lower > _best[0])
        {
            ReplaceLeast(candidate.Lower);
            RaiseThreshold(_best[0]);
        }
    }

    /// <summary>Drops the candidates that the threshold has overtaken and keeps the others in order.</summary>
    public void Prune()
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (!(_items[i].Upper < Threshold))
            {
                _items[kept++] = _items[i];
            }
        }

        Count = kept;
    }

    private void SiftUp(float value)
    {
        int i = _bestCount++;
        while (i > 0)
        {
            int parent = (i - 1) / 2;
            if (_best[parent] <= value)
            {
                break;
            }

            _best[i] = _best[parent];
            i = parent;
        }

        _best[i] = value;
    }

    private readonly void ReplaceLeast(float value)
    {
        int i = 0;
        while (true)
        {
            int child = (2 * i) + 1;
            if (child >= _best.Length)
            {
                break;
            }

            if (child + 1 < _best.Length && _best[child + 1] < _best[child])
            {
                child++;
            }

            if (_best[child] >= value)
            {
                break;
            }

            _best[i] = _best[child];
            i = child;
        }

        _best[i] = value;
    }
}
