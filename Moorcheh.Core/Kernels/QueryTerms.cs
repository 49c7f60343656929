namespace Moorcheh.Kernels;

/// <summary>What turns the integer table sums of one query against one centre into estimates: see <see cref="QueryTables"/>.</summary>
/// <param name="Step">Delta: what one unit of a table entry is worth.</param>
/// <param name="Floor">The value of a sum of zero: minus the sum of |p_j|.</param>
/// <param name="Offset">&lt;q, c&gt; + (1 - |c|^2) / 2: the part of every estimate that depends on no slot but on |x| = 1.</param>
/// <param name="Residual">|q - c|.</param>
/// <param name="TableDeviation">Sub-Gaussian scale of the rounding of the tables, in the units of the dequantised sum.</param>
/// <param name="PaddedDimension">Dimensions of the code.</param>
internal readonly record struct QueryTerms(
    float Step, float Floor, float Offset, float Residual, float TableDeviation, int PaddedDimension);
