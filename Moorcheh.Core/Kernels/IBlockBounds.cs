using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Turns a slot's integer sum and its two factors into bounds of its cosine. Implemented by structs, for <see cref="BoundPass"/>.</summary>
/// <remarks>
/// The forms of <c>Below</c> run the same float operations in the same order, without fused multiply-add, so they agree on every
/// slot. They may keep a slot whose upper bound is below the threshold by rounding, never the reverse, and keep what is not a number.
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
