namespace Moorcheh.Index;

/// <summary>The eight-bit tier of a segment, by blocks of 64 slots: two factors a slot (scales, then errors), then the rows of codes.</summary>
internal interface IByteRows
{
    /// <summary>128 floats: the scale of each slot, then the error of each slot (<see cref="Kernels.ByteEncoder"/>).</summary>
    ReadOnlySpan<float> Factors(int block);

    /// <summary>The rows of a block, as many as it has slots.</summary>
    ReadOnlySpan<sbyte> Rows(int block);
}
