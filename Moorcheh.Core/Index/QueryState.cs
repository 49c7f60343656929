using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>
/// The buffers and the running result of one query over some segments, reused between searches. The threshold is the k-th largest
/// proved lower bound so far; what cannot reach it is out.
/// </summary>
internal sealed class QueryState
{
    private float[] _heap = [];
    private int _heapCount;
    private int _k;
    private Survivor[] _survivors = new Survivor[256];

    /// <summary>The query scaled to length 1.</summary>
    public float[] Unit { get; private set; } = [];

    /// <summary>The query with 16 bits a value.</summary>
    public short[] Short { get; private set; } = [];

    /// <summary>What <see cref="Short"/> leaves out.</summary>
    public ByteQuery ByteTerms { get; private set; }

    /// <summary>The slots with the best one-bit estimates.</summary>
    public BestEstimates Promising { get; } = new();

    /// <summary>Deviations of the one-bit stage.</summary>
    public float Epsilon { get; private set; }

    /// <summary>One-bit bounds against the segment being scanned.</summary>
    public BinaryBounds Bounds { get; set; }

    /// <summary>Eight-bit bounds against the segment being scanned.</summary>
    public ByteBounds ByteBounds { get; set; }

    /// <summary>Candidates of one block.</summary>
    public Candidate[] Found { get; } = new Candidate[BlockLayout.SlotsPerBlock];

    /// <summary>Upper bounds of every slot of the search, rented while it runs.</summary>
    public float[] Uppers { get; set; } = [];

    /// <summary>No slot whose cosine is below this is among the k best.</summary>
    public float Threshold { get; private set; }

    public int SurvivorCount { get; private set; }

    /// <summary>Vectors scored with eight bits.</summary>
    public int Rescored8 { get; set; }

    public ReadOnlySpan<Survivor> Survivors => _survivors.AsSpan(0, SurvivorCount);

    /// <summary>Starts a query.</summary>
    public void Begin(ReadOnlySpan<float> query, int k, float epsilon)
    {
        int padded = BlockLayout.PaddedDimension(query.Length);
        if (Short.Length != padded)
        {
            Short = new short[padded];
        }

        if (Unit.Length != query.Length)
        {
            Unit = new float[query.Length];
        }

        UnitVector.Write(query, Unit);
        ByteTerms = ByteQuery.Quantise(Unit, Short);
        if (_heap.Length < k)
        {
            _heap = new float[k];
        }

        _k = k;
        Epsilon = epsilon;
        Promising.Begin(CandidateSearch.PromisingOf(k));
        _heapCount = 0;
        Threshold = float.NegativeInfinity;
        SurvivorCount = 0;
        Rescored8 = 0;
    }

    /// <summary>Takes in a slot with proved bounds, unless it cannot be among the k best.</summary>
    public void Add(int place, float upper, float lower)
    {
        if (upper < Threshold)
        {
            return;
        }

        if (SurvivorCount == _survivors.Length)
        {
            Prune();
            if (SurvivorCount > _survivors.Length / 2)
            {
                Array.Resize(ref _survivors, _survivors.Length * 2);
            }
        }

        _survivors[SurvivorCount++] = new Survivor(place, upper);
        Offer(lower);
    }

    /// <summary>Starts counting lower bounds anew; the threshold stays, for it was proved.</summary>
    public void ForgetOffers() => _heapCount = 0;

    /// <summary>Takes in the result of another thread over other segments.</summary>
    public void Merge(QueryState other)
    {
        for (int i = 0; i < other._heapCount; i++)
        {
            Offer(other._heap[i]);
        }

        foreach (Survivor survivor in other.Survivors)
        {
            if (SurvivorCount == _survivors.Length)
            {
                Array.Resize(ref _survivors, _survivors.Length * 2);
            }

            _survivors[SurvivorCount++] = survivor;
        }

        Rescored8 += other.Rescored8;
    }

    /// <summary>Drops what the threshold has overtaken and puts the most promising first.</summary>
    public void Finish()
    {
        Prune();
        _survivors.AsSpan(0, SurvivorCount).Sort(static (x, y) => x.Upper != y.Upper ? y.Upper.CompareTo(x.Upper) : x.Place.CompareTo(y.Place));
    }

    private void Prune()
    {
        int kept = 0;
        for (int i = 0; i < SurvivorCount; i++)
        {
            if (_survivors[i].Upper >= Threshold)
            {
                _survivors[kept++] = _survivors[i];
            }
        }

        SurvivorCount = kept;
    }

    /// <summary>Keeps the k largest lower bounds in a heap with the least on top.</summary>
    public void Offer(float lower)
    {
        if (_heapCount < _k)
        {
            int i = _heapCount++;
            for (int parent = (i - 1) / 2; i > 0 && _heap[parent] > lower; parent = (i - 1) / 2)
            {
                _heap[i] = _heap[parent];
                i = parent;
            }

            _heap[i] = lower;
        }
        else if (lower > _heap[0])
        {
            int i = 0;
            for (int child = 1; child < _k; child = (2 * i) + 1)
            {
                if (child + 1 < _k && _heap[child + 1] < _heap[child])
                {
                    child++;
                }

                if (_heap[child] >= lower)
                {
                    break;
                }

                _heap[i] = _heap[child];
                i = child;
            }

            _heap[i] = lower;
        }

        if (_heapCount == _k)
        {
            Threshold = Math.Max(Threshold, _heap[0]);
        }
    }
}
