using System.Runtime.Intrinsics;

namespace Moorcheh.Kernels;

/// <summary>Turns a slot's integer sum and its two factors into bounds of its cosine. Implemented by structs, for <see cref="BoundPass"/>.</summary>
/// <remarks>The three methods run the same float operations in the same order, without fused multiply-add, so their bits agree.</remarks>
internal interface IBlockBounds
{
    /// <summary>Both bounds of one slot.</summary>
    void Bound(int sum, float first, float second, out float upper, out float lower);

    /// <summary>The upper bounds of four slots.</summary>
    Vector128<float> Upper(Vector128<int> sums, Vector128<float> first, Vector128<float> second);

    /// <summary>The upper bounds of eight slots.</summary>
    Vector256<float> Upper(Vector256<int> sums, Vector256<float> first, Vector256<float> second);
}
