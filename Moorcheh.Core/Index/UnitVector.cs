using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>Vectors scaled to length 1, as the codes need them. Ranking uses the vectors as they are.</summary>
internal static class UnitVector
{
    /// <summary>Writes the vector divided by its norm; zeros for a zero vector.</summary>
    /// <returns>The norm, from <see cref="CanonicalDot.Norm"/>.</returns>
    public static double Write(ReadOnlySpan<float> vector, Span<float> unit)
    {
        double norm = CanonicalDot.Norm(vector);
        if (norm == 0)
        {
            unit[..vector.Length].Clear();
            return 0;
        }

        double scale = 1 / norm;
        if (double.IsNormal(scale))
        {
            for (int i = 0; i < vector.Length; i++)
            {
                unit[i] = (float)(vector[i] * scale);
            }
        }

        return norm;
    }
}
