using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Bounds of the cosine from one-bit codes, valid with a probability that <c>epsilon</c> sets.</summary>
/// <remarks>
/// With Z the table sum and a, e the slot's factors (<see cref="BinaryEncoder"/>):
/// <code>
/// z     = Delta Z + Floor                                         estimates sum_j sign(o_j) p_j
/// est   = Offset + a (z - (n/2) a) + ((n-1)/2) e^2                = &lt;q,c&gt; + &lt;c,x&gt; - &lt;c,c&gt; + a z
/// err   = epsilon sqrt((|q-c| e)^2 + (TableDeviation a)^2) + Slack
/// </code>
/// Over the random choice of the rotation and of the rounding, for data and queries chosen without knowledge of them,
/// P(cosine > est + err) is at most exp(-epsilon^2 / 2), and the same on the other side. So an answer that rescores every slot whose
/// upper bound reaches the k-th lower bound misses one of the k true neighbours with probability at most k exp(-epsilon^2 / 2).
/// (That the table step is itself a function of the rotation, through the largest of many sums of magnitudes, is neglected: the
/// tables hold about 1 % of the squared error.)
/// <para>
/// Slack covers what the formulas leave out: |q| and |x| within 1e-6 of 1 (2e-6 in the cosine, 1e-6 in the identity for |x| = 1),
/// float rounding of the stored factors (1e-6), of the rotation (about 2e-7 of |o| and |p|, so 1e-6 in a z), and of the
/// expression for est, whose largest terms are a Floor, at most 4, and (n/2) a^2, at most 3.2 (8 roundings of 6e-8 each: 2e-6).
/// </para>
/// </remarks>
internal readonly struct BinaryBounds : IBlockBounds
{
    /// <summary>Added to every error bound for rounding.</summary>
    public const float Slack = 1e-5f;

    private readonly float _step;
    private readonly float _floor;
    private readonly float _offset;
    private readonly float _halfDimension;
    private readonly float _halfDimensionLessOne;
    private readonly float _squaredResidual;
    private readonly float _squaredDeviation;

    /// <summary>Binds a query's terms to a number of deviations.</summary>
    public BinaryBounds(in QueryTerms terms, float epsilon)
    {
        _step = terms.Step;
        _floor = terms.Floor;
        _offset = terms.Offset;
        _halfDimension = terms.PaddedDimension / 2f;
        _halfDimensionLessOne = (terms.PaddedDimension - 1) / 2f;
        float residual = epsilon * terms.Residual;
        float deviation = epsilon * terms.TableDeviation;
        _squaredResidual = residual * residual;
        _squaredDeviation = deviation * deviation;
    }

    /// <summary>The epsilon for which k neighbours are all found with probability 1 - delta: sqrt(2 ln(k / delta)).</summary>
    public static float EpsilonFor(int k, double delta) => (float)Math.Sqrt(2 * Math.Log(k / delta));

    /// <inheritdoc/>
    public void Bound(int sum, float first, float second, out float upper, out float lower)
    {
        if (second < 0)
        {
            upper = 0;
            lower = 0;
            return;
        }

        Estimate(sum, first, second, out float estimate, out float squaredError);
        float error = MathF.Sqrt(squaredError) + Slack;
        upper = estimate + error;
        lower = estimate - error;
    }

    /// <inheritdoc/>
    /// <remarks>Compares squares: the square roots of a whole pass would cost more than the rest of it.</remarks>
    public bool Below(int sum, float first, float second, float threshold)
    {
        Estimate(sum, first, second, out float estimate, out float squaredError);
        if (second < 0)
        {
            estimate = 0;
            squaredError = 0;
        }

        float missing = threshold - Slack - estimate;
        return missing > 0 && missing * missing > squaredError;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<float> Below(Vector128<int> sums, Vector128<float> first, Vector128<float> second, float threshold)
    {
        Vector128<float> zero = Vector128<float>.Zero;
        Vector128<float> z = (Vector128.ConvertToSingle(sums) * _step) + Vector128.Create(_floor);
        Vector128<float> square = second * second;
        Vector128<float> estimate = (first * (z - (first * _halfDimension))) + (square * _halfDimensionLessOne) + Vector128.Create(_offset);
        Vector128<float> squaredError = (square * _squaredResidual) + (first * first * _squaredDeviation);
        Vector128<float> marked = Vector128.LessThan(second, zero);
        estimate = Vector128.AndNot(estimate, marked);
        squaredError = Vector128.AndNot(squaredError, marked);
        Vector128<float> missing = Vector128.Create(threshold - Slack) - estimate;
        return Vector128.GreaterThan(missing, zero) & Vector128.GreaterThan(missing * missing, squaredError);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Below(Vector256<int> sums, Vector256<float> first, Vector256<float> second, float threshold)
    {
        Vector256<float> zero = Vector256<float>.Zero;
        Vector256<float> z = (Vector256.ConvertToSingle(sums) * _step) + Vector256.Create(_floor);
        Vector256<float> square = second * second;
        Vector256<float> estimate = (first * (z - (first * _halfDimension))) + (square * _halfDimensionLessOne) + Vector256.Create(_offset);
        Vector256<float> squaredError = (square * _squaredResidual) + (first * first * _squaredDeviation);
        Vector256<float> marked = Vector256.LessThan(second, zero);
        estimate = Vector256.AndNot(estimate, marked);
        squaredError = Vector256.AndNot(squaredError, marked);
        Vector256<float> missing = Vector256.Create(threshold - Slack) - estimate;
        return Vector256.GreaterThan(missing, zero) & Vector256.GreaterThan(missing * missing, squaredError);
    }

    /// <summary>The estimate and the upper bound of one slot; the latter is that of <see cref="Bound"/>.</summary>
    public float Estimate(int sum, float first, float second, out float upper)
    {
        Bound(sum, first, second, out upper, out _);
        Estimate(sum, first, second, out float estimate, out _);
        return second < 0 ? 0 : estimate;
    }

    /// <summary>The same for four slots.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<float> Estimate(Vector128<int> sums, Vector128<float> first, Vector128<float> second, out Vector128<float> upper)
    {
        Vector128<float> z = (Vector128.ConvertToSingle(sums) * _step) + Vector128.Create(_floor);
        Vector128<float> square = second * second;
        Vector128<float> estimate = (first * (z - (first * _halfDimension))) + (square * _halfDimensionLessOne) + Vector128.Create(_offset);
        Vector128<float> squaredError = (square * _squaredResidual) + (first * first * _squaredDeviation);
        Vector128<float> marked = Vector128.LessThan(second, Vector128<float>.Zero);
        estimate = Vector128.AndNot(estimate, marked);
        upper = estimate + Vector128.AndNot(Vector128.Sqrt(squaredError) + Vector128.Create(Slack), marked);
        return estimate;
    }

    /// <summary>The same for eight slots.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Estimate(Vector256<int> sums, Vector256<float> first, Vector256<float> second, out Vector256<float> upper)
    {
        Vector256<float> z = (Vector256.ConvertToSingle(sums) * _step) + Vector256.Create(_floor);
        Vector256<float> square = second * second;
        Vector256<float> estimate = (first * (z - (first * _halfDimension))) + (square * _halfDimensionLessOne) + Vector256.Create(_offset);
        Vector256<float> squaredError = (square * _squaredResidual) + (first * first * _squaredDeviation);
        Vector256<float> marked = Vector256.LessThan(second, Vector256<float>.Zero);
        estimate = Vector256.AndNot(estimate, marked);
        upper = estimate + Vector256.AndNot(Vector256.Sqrt(squaredError) + Vector256.Create(Slack), marked);
        return estimate;
    }

    private void Estimate(int sum, float first, float second, out float estimate, out float squaredError)
    {
        float z = (sum * _step) + _floor;
        float square = second * second;
        estimate = (first * (z - (first * _halfDimension))) + (square * _halfDimensionLessOne) + _offset;
        squaredError = (square * _squaredResidual) + (first * first * _squaredDeviation);
    }
}
