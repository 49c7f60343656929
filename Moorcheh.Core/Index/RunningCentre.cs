namespace Moorcheh.Index;

/// <summary>The mean of the vectors that an index has seen. Used under the lock of its index.</summary>
internal sealed class RunningCentre(int dimension)
{
    /// <summary>
    /// A centre from this many vectors is as good as one from all; below it, it is renewed each time the namespace grew eightfold.
    /// </summary>
    public const int Enough = 2048;

    /// <summary>From fewer vectors there is no centre.</summary>
    public const int First = 64;

    private const int Growth = 8;

    private readonly double[] _sum = new double[dimension];

    /// <summary>Sum of all vectors, at length 1.</summary>
    public ReadOnlySpan<double> Sum => _sum;

    /// <summary>Their number.</summary>
    public long Summed { get; private set; }

    /// <summary>Vectors that the segments were last encoded anew for.</summary>
    public int CentredOn { get; set; }

    /// <summary>True when so many vectors deserve a better centre than the one they are encoded around.</summary>
    public bool IsOutgrownBy(long count) => CentredOn < Enough && count >= Math.Max(First, (long)CentredOn * Growth);

    /// <summary>Takes in a vector of length 1.</summary>
    public void Add(ReadOnlySpan<float> unit)
    {
        for (int i = 0; i < unit.Length; i++)
        {
            _sum[i] += unit[i];
        }

        Summed++;
    }

    /// <summary>Goes on from a sum.</summary>
    public void Restore(ReadOnlySpan<double> sum, long summed)
    {
        sum.CopyTo(_sum);
        Summed = summed;
    }

    /// <summary>The mean; zero while there are too few vectors to tell.</summary>
    public ReadOnlyMemory<float> Mean()
    {
        if (Summed < First)
        {
            return Segment.NoCentre(_sum.Length);
        }

        float[] centre = new float[_sum.Length];
        for (int i = 0; i < centre.Length; i++)
        {
            centre[i] = (float)(_sum[i] / Summed);
        }

        return centre;
    }
}
