namespace Moorcheh.Kernels;

/// <summary>The 16-bit form of a query that byte codes are multiplied with, and what its rounding costs.</summary>
/// <param name="Scale">q is about Scale times its 16-bit form.</param>
/// <param name="Norm">At least |q|.</param>
/// <param name="Error">At least |q - Scale q16|.</param>
/// <remarks>
/// 16 bits cost the scan nothing against 8 (codes are widened to 16 bits to be multiplied, because the byte product-and-add of x86
/// saturates), and make the query's own rounding about 256 times smaller than the code's.
/// </remarks>
internal readonly record struct ByteQuery(float Scale, float Norm, float Error)
{
    // Every partial sum of the products stays below 2^31 if 127 sum |q16| does.
    private const int LargestMagnitudes = int.MaxValue / 127;

    /// <summary>Quantises a query into <paramref name="values"/>, which is as long as the padded dimension.</summary>
    public static ByteQuery Quantise(ReadOnlySpan<float> query, Span<short> values)
    {
        int padded = BlockLayout.PaddedDimension(query.Length);
        BlockLayout.Require(values.Length, padded, nameof(values));
        values = values[..padded];
        values.Clear();

        float largest = 0;
        for (int i = 0; i < query.Length; i++)
        {
            largest = MathF.Max(largest, MathF.Abs(query[i]));
        }

        double norm = Math.Sqrt(DoubleSums.Dot(query, query));

        // The second term matters only for long vectors with even elements: rounding adds at most 1/2 to each of them.
        double exact = Math.Max(largest / (double)short.MaxValue, DoubleSums.Magnitudes(query) / (LargestMagnitudes - padded));
        float scale = (float)(exact * (1 + 1e-6));
        if (!float.IsNormal(scale))
        {
            return new ByteQuery(0, Up(norm), Up(norm));
        }

        double squared = 0;
        for (int i = 0; i < query.Length; i++)
        {
            double rounded = Math.Round(query[i] / (double)scale);
            double rest = query[i] - (rounded * scale);
            values[i] = (short)rounded;
            squared += rest * rest;
        }

        return new ByteQuery(scale, Up(norm), Up(Math.Sqrt(squared)));
    }

    private static float Up(double value) => (float)(value * (1 + 1e-6));
}
