namespace Moorcheh.Kernels;

/// <summary>The places with the best estimates seen so far: those worth a closer look first. Reused between searches.</summary>
internal sealed class BestEstimates
{
    private readonly PriorityQueue<int, float> _least = new();
    private int[] _places = [];
    private int _capacity;

    /// <summary>An estimate that is not above this is of no use; minus infinity until as many were offered as are kept.</summary>
    public float Threshold { get; private set; }

    /// <summary>Starts anew.</summary>
    /// <param name="capacity">How many to keep.</param>
    public void Begin(int capacity)
    {
        _least.Clear();
        _least.EnsureCapacity(capacity);
        _capacity = capacity;
        Threshold = float.NegativeInfinity;
    }

    /// <summary>Takes in a place if its estimate is among the best. One that is not a number never is.</summary>
    public void Offer(int place, float estimate)
    {
        if (!(estimate > Threshold))
        {
            return;
        }

        if (_least.Count < _capacity)
        {
            _least.Enqueue(place, estimate);
        }
        else
        {
            _least.EnqueueDequeue(place, estimate);
        }

        if (_least.Count == _capacity && _least.TryPeek(out _, out float least))
        {
            Threshold = least;
        }
    }

    /// <summary>The places, ascending. Valid until the next call.</summary>
    public ReadOnlySpan<int> Places()
    {
        if (_places.Length < _least.Count)
        {
            _places = new int[_capacity];
        }

        int count = 0;
        foreach ((int place, _) in _least.UnorderedItems)
        {
            _places[count++] = place;
        }

        Span<int> places = _places.AsSpan(0, count);
        places.Sort();
        return places;
    }
}
