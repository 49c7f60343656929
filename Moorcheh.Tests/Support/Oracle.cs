using System.Numerics;

namespace Moorcheh.Tests.Support;

/// <summary>A hit as it must be, to the last bit of the cosine.</summary>
internal readonly record struct ExpectedHit(string Id, double Cosine);

/// <summary>
/// Brute force to the last bit: cosines in whole numbers, rounded as docs/decisions/001 says, and a full sort in the published order.
/// Unlike <see cref="BruteForce"/> it knows which cosines are equal, so near-duplicates have one right order.
/// </summary>
internal sealed class Oracle(IReadOnlyList<VectorItem> items)
{
    // Plain sums are off by less; what is further below the last hit need not be calculated exactly.
    private const double Slack = 1e-10;

    private readonly BigInteger?[] _squares = new BigInteger?[items.Count];

    public static double Cosine(ReadOnlySpan<float> x, ReadOnlySpan<float> y) => Cosine(Dot(x, y), Dot(x, x), Dot(y, y));

    /// <summary>The published order: cosine descending, then id, ordinal.</summary>
    public static int Compare(ExpectedHit x, ExpectedHit y)
    {
        int order = y.Cosine.CompareTo(x.Cosine);
        return order != 0 ? order : string.CompareOrdinal(x.Id, y.Id);
    }

    /// <summary>The nearest items, or the nearest of those that are wanted.</summary>
    public ExpectedHit[] Nearest(ReadOnlySpan<float> query, int top, Func<VectorItem, bool>? isWanted = null)
    {
        List<(double Cosine, int Item)> rough = [];
        for (int i = 0; i < items.Count; i++)
        {
            if (isWanted?.Invoke(items[i]) ?? true)
            {
                rough.Add((BruteForce.Cosine(query, items[i].Vector.Span), i));
            }
        }

        rough.Sort((x, y) => y.Cosine.CompareTo(x.Cosine));
        double least = rough.Count <= top ? double.NegativeInfinity : rough[top - 1].Cosine - Slack;
        BigInteger square = Dot(query, query);
        List<ExpectedHit> hits = [];
        foreach ((double cosine, int item) in rough)
        {
            if (cosine >= least)
            {
                ReadOnlySpan<float> vector = items[item].Vector.Span;
                BigInteger itemSquare = _squares[item] ??= Dot(vector, vector);
                hits.Add(new ExpectedHit(items[item].Id, Cosine(Dot(query, vector), square, itemSquare)));
            }
        }

        hits.Sort(Compare);
        return [.. hits.Take(top)];
    }

    /// <summary>The nearest multiple of 2^-53, half-way the even one.</summary>
    private static double Cosine(BigInteger dot, BigInteger squareX, BigInteger squareY)
    {
        BigInteger squares = squareX * squareY;
        if (squares.IsZero)
        {
            return 0;
        }

        // Twice the number of multiples, cut to a whole number: odd from the middle on.
        BigInteger scaled = (dot * dot) << 108;
        BigInteger doubled = Root(scaled / squares);
        BigInteger nearest = doubled / 2;
        if (!doubled.IsEven && (doubled * doubled * squares != scaled || !nearest.IsEven))
        {
            nearest++;
        }

        return dot.Sign * (double)nearest / (1L << 53);
    }

    /// <summary>Cut to a whole number.</summary>
    private static BigInteger Root(BigInteger square)
    {
        var root = new BigInteger(Math.Sqrt((double)square));
        for (int i = 0; i < 3 && !root.IsZero; i++)
        {
            root = (root + (square / root)) / 2;
        }

        while (root * root > square)
        {
            root--;
        }

        while ((root + 1) * (root + 1) <= square)
        {
            root++;
        }

        return root;
    }

    /// <summary>Times 2^298.</summary>
    private static BigInteger Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        BigInteger sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            if (x[i] != 0 && y[i] != 0)
            {
                sum += Whole(x[i]) * Whole(y[i]);
            }
        }

        return sum;
    }

    /// <summary>Times 2^149, which makes a whole number of any float.</summary>
    private static BigInteger Whole(float value) => new(Math.ScaleB(value, 149));
}
