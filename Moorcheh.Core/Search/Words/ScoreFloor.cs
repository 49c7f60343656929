namespace Moorcheh.Search.Words;

/// <summary>The k-th largest of the scores it was told, in a heap with the least on top.</summary>
internal sealed class ScoreFloor
{
    private double[] _heap = [];
    private int _count;
    private int _k;

    /// <summary>The k-th largest; 0 before there are so many.</summary>
    public double Value => _count == _k && _k > 0 ? _heap[0] : 0;

    /// <summary>How many scores it keeps.</summary>
    public int Limit => _k;

    /// <summary>Begins anew.</summary>
    public void Begin(int k)
    {
        _k = k;
        _count = 0;
        if (_heap.Length < k)
        {
            _heap = new double[k];
        }
    }

    /// <summary>Takes in a score.</summary>
    public void Add(double score)
    {
        if (_count < _k)
        {
            int i = _count++;
            for (int parent = (i - 1) / 2; i > 0 && _heap[parent] > score; parent = (i - 1) / 2)
            {
                _heap[i] = _heap[parent];
                i = parent;
            }

            _heap[i] = score;
        }
        else if (score > _heap[0])
        {
            int i = 0;
            for (int child = 1; child < _k; child = (2 * i) + 1)
            {
                if (child + 1 < _k && _heap[child + 1] < _heap[child])
                {
                    child++;
                }

                if (_heap[child] >= score)
                {
                    break;
                }

                _heap[i] = _heap[child];
                i = child;
            }

            _heap[i] = score;
        }
    }
}
