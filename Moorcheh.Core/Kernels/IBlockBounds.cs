using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Turns a slot's integer sum and its two factors into bounds of its cosine. Structs, for <see cref="BoundPass"/>.</summary>
/// <remarks>
/// The forms of <c>Below</c> run the same float operations in the same order, without fused multiply-add, so they agree on every slot.
/// They may decide otherwise than a comparison with <c>Bound</c>'s upper bound where the two are equal up to float rounding, which the
/// slack in the bounds covers. What is not a number is never below.
/// </remarks>
internal interface IBlockBounds
{
    /// <summary>Both bounds of one slot.</summary>
    void Bound(int sum, float first, float second, out float upper, out float lower);

    /// <summary>Whether the upper bound of one slot is certainly below a threshold.</summary>
    bool Below(int sum, float first, float second, float threshold);

    /// <summary>The same for four slots; a lane's sign bit says yes.</summary>
    Vector128<float> Below(Vector128<int> sums, Vector128<float> first, Vector128<float> second, float threshold);

    /// <summary>The same for eight slots.</summary>
    Vector256<float> Below(Vector256<int> sums, Vector256<float> first, Vector256<float> second, float threshold);
}
