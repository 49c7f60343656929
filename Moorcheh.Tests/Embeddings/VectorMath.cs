namespace Moorcheh.Tests.Embeddings;

/// <summary>The plain formulas, in double precision.</summary>
internal static class VectorMath
{
    public static double Norm(ReadOnlyMemory<float> vector) => Math.Sqrt(Dot(vector, vector));

    public static double Cosine(ReadOnlyMemory<float> left, ReadOnlyMemory<float> right) => Dot(left, right) / (Norm(left) * Norm(right));

    public static double LargestDifference(ReadOnlyMemory<float> left, ReadOnlyMemory<float> right)
    {
        double largest = 0;
        for (int i = 0; i < left.Length; i++)
            largest = Math.Max(largest, Math.Abs((double)left.Span[i] - right.Span[i]));
        return largest;
    }

    private static double Dot(ReadOnlyMemory<float> left, ReadOnlyMemory<float> right)
    {
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
            sum += (double)left.Span[i] * right.Span[i];
        return sum;
    }
}
