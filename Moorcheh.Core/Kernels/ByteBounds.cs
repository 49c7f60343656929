using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Bounds of the cosine from eight-bit codes: always valid.</summary>
/// <remarks>
/// For d = x - c and codes with scale s and error eta (<see cref="ByteEncoder"/>), and a query q with 16-bit form q~
/// (<see cref="ByteQuery"/>), <c>est = &lt;q,c&gt; + s &lt;q~, x8&gt;</c> and
/// <code>
/// |&lt;q,x&gt; - est| = |&lt;q, d - s x8&gt; + &lt;q - q~, s x8&gt;| &lt;= |q| eta + |q - q~| (|d| + eta),   |d| &lt;= 1 + 1e-6 + |c|
/// </code>
/// Slack. The integer sum is exact. Its conversion to float, the two scales, &lt;q,c&gt; and the additions are eight roundings of 6e-8 of
/// numbers of at most 3.1, and |q| and |x| within 1e-6 of 1 change the cosine by at most 2.1e-6: together less than 4e-6.
/// </remarks>
internal readonly struct ByteBounds : IBlockBounds
{
    /// <summary>Added to every error bound for rounding.</summary>
    public const float Slack = 4e-6f;

    private readonly float _scale;
    private readonly float _offset;
    private readonly float _perError;
    private readonly float _fixed;

    /// <summary>Binds a quantised query to the centre of the codes; an empty centre means none.</summary>
    public ByteBounds(in ByteQuery terms, ReadOnlySpan<float> query, ReadOnlySpan<float> centre)
    {
        double centreNorm = centre.IsEmpty ? 0 : Math.Sqrt(DoubleSums.Dot(centre, centre));
        _scale = terms.Scale;
        _offset = centre.IsEmpty ? 0 : (float)DoubleSums.Dot(query, centre);
        _perError = (terms.Norm + terms.Error) * (1 + 1e-6f);
        _fixed = (float)(terms.Error * (1.00001 + centreNorm)) + Slack;
    }

    /// <inheritdoc/>
    public void Bound(int sum, float first, float second, out float upper, out float lower)
    {
        float estimate = (sum * _scale * first) + _offset;
        float error = (second * _perError) + _fixed;
        upper = estimate + error;
        lower = estimate - error;
    }

    /// <inheritdoc/>
    public bool Below(int sum, float first, float second, float threshold)
    {
        Bound(sum, first, second, out float upper, out _);
        return upper < threshold;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<float> Below(Vector128<int> sums, Vector128<float> first, Vector128<float> second, float threshold)
    {
        Vector128<float> estimate = (Vector128.ConvertToSingle(sums) * _scale * first) + Vector128.Create(_offset);
        Vector128<float> upper = estimate + ((second * _perError) + Vector128.Create(_fixed));
        return Vector128.LessThan(upper, Vector128.Create(threshold));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Below(Vector256<int> sums, Vector256<float> first, Vector256<float> second, float threshold)
    {
        Vector256<float> estimate = (Vector256.ConvertToSingle(sums) * _scale * first) + Vector256.Create(_offset);
        Vector256<float> upper = estimate + ((second * _perError) + Vector256.Create(_fixed));
        return Vector256.LessThan(upper, Vector256.Create(threshold));
    }
}
