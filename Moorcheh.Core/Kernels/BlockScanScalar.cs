namespace Moorcheh.Kernels;

/// <summary><see cref="BlockScan"/> slot by slot: what the other versions have to give.</summary>
internal static class BlockScanScalar
{
    public static unsafe void One(in BlockScanUnit work)
    {
        for (int lane = 0; lane < BlockLayout.SlotsPerBlock; lane++)
        {
            int sum = 0;
            for (int row = 0; row < work.Count; row++)
            {
                byte code = work.Rows[(row * BlockLayout.SlotsPerBlock) + lane];
                byte* table = work.Tables + (row * BlockScanUnit.TableBytesPerRow);
                sum += table[code & 15] + table[16 + (code >> 4)];
            }

            work.Sums[lane] = work.Add ? work.Sums[lane] + sum : sum;
        }
    }
}
