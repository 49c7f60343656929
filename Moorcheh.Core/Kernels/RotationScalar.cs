namespace Moorcheh.Kernels;

/// <summary><see cref="Rotation"/> value by value: what the other versions have to give.</summary>
internal static class RotationScalar
{
    public static void Apply(Span<float> values, ReadOnlySpan<ulong> signs)
    {
        int span = Rotation.Check(values, signs);
        float scale = Rotation.Scale(span);
        for (int round = 0; round < Rotation.Rounds; round++)
        {
            ReadOnlySpan<ulong> flips = signs.Slice(round * values.Length / Rotation.WordBits, values.Length / Rotation.WordBits);
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (flips[i / Rotation.WordBits] >> (i % Rotation.WordBits) & 1) == 0 ? values[i] : -values[i];
            }

            Span<float> part = (round & 1) == 0 ? values[..span] : values[^span..];
            for (int i = 0; i < span; i++)
            {
                part[i] *= scale;
            }

            for (int stride = 1; stride < span; stride *= 2)
            {
                for (int start = 0; start < span; start += 2 * stride)
                {
                    for (int i = start; i < start + stride; i++)
                    {
                        (part[i], part[i + stride]) = (part[i] + part[i + stride], part[i] - part[i + stride]);
                    }
                }
            }

            if (span != values.Length && (round & 1) == 1)
            {
                int half = values.Length / 2;
                for (int i = 0; i < half; i++)
                {
                    (values[i], values[i + half]) =
                        ((values[i] + values[i + half]) * Rotation.HalfRoot, (values[i] - values[i + half]) * Rotation.HalfRoot);
                }
            }
        }
    }
}
