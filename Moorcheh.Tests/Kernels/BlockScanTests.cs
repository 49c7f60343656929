using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class BlockScanTests
{
    [TestCaseSource(typeof(KernelData), nameof(KernelData.Dimensions))]
    public void Scan_EveryPathAndTile_SameSums(int dimension)
    {
        const int Blocks = 3;
        int padded = BlockLayout.PaddedDimension(dimension);
        byte[] codes = Bytes(Blocks * BlockLayout.CodeBytesPerBlock(padded), 1, 255);
        ulong[] masks = [1, 0, ulong.MaxValue];
        for (int queries = 1; queries <= 9; queries += queries < 5 ? 1 : 4)
        {
            // 31 is the largest entry that eight of fit a byte.
            byte[] tables = Bytes(queries * BlockLayout.TableBytes(padded), 2, 31);
            int[] expected = Naive(codes, masks, padded, 0, Blocks, tables, queries);
            foreach (BlockScan.Path path in Paths())
            {
                int[] sums = [.. Enumerable.Repeat(-1, expected.Length)];
                BlockScan.ScanBy(path, codes, masks, padded, 0, Blocks, tables, queries, sums);
                Assert.That(sums, Is.EqualTo(expected), $"{path}, {queries} queries");
            }
        }
    }

    /// <summary>The largest sums: 255 for every four rows, where a carry between even and odd lanes would show.</summary>
    [TestCase(1024)]
    [TestCase(16384)]
    public void Scan_LargestEntries_DoesNotOverflow(int padded)
    {
        byte[] codes = new byte[BlockLayout.CodeBytesPerBlock(padded)];
        byte[] tables = new byte[BlockLayout.TableBytes(padded)];
        for (int i = 0; i < tables.Length; i += 128)
        {
            tables.AsSpan(i, 16).Fill(255);
        }

        foreach (BlockScan.Path path in Paths())
        {
            int[] sums = new int[64];
            BlockScan.ScanBy(path, codes, [1], padded, 0, 1, tables, 1, sums);
            Assert.That(sums, Has.All.EqualTo(padded / 32 * 255), path.ToString());
        }
    }

    [Test]
    public void Scan_RangeInsideASegment_WritesOnlyThatRange()
    {
        byte[] codes = Bytes(6 * BlockLayout.CodeBytesPerBlock(128), 3, 255);
        byte[] tables = Bytes(BlockLayout.TableBytes(128), 4, 31);
        ulong[] masks = [1, 1, 1, 0, 1, 1];
        int[] sums = new int[3 * 64];
        sums.AsSpan().Fill(-1);

        BlockScan.Scan(codes, masks, 128, 2, 3, tables, 1, sums);

        Assert.That(sums, Is.EqualTo(Naive(codes, masks, 128, 2, 3, tables, 1)));
    }

    [Test]
    public void Scan_NothingToDo_TouchesNothing()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => BlockScan.Scan([], [], 64, 0, 0, [], 0, []), Throws.Nothing);
            Assert.That(() => BlockScan.Scan(new byte[512], [0], 64, 0, 1, new byte[256], 1, new int[64]), Throws.Nothing);
        });
    }

    [Test]
    public void Scan_ShortSpans_Throws()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => BlockScan.Scan(new byte[511], [1], 64, 0, 1, new byte[256], 1, new int[64]), Throws.ArgumentException);
            Assert.That(() => BlockScan.Scan(new byte[512], [], 64, 0, 1, new byte[256], 1, new int[64]), Throws.ArgumentException);
            Assert.That(() => BlockScan.Scan(new byte[512], [1], 64, 0, 1, new byte[255], 1, new int[64]), Throws.ArgumentException);
            Assert.That(() => BlockScan.Scan(new byte[512], [1], 64, 0, 1, new byte[256], 1, new int[63]), Throws.ArgumentException);
            Assert.That(
                () => BlockScan.Scan(new byte[512], [1], 65, 0, 1, new byte[999], 1, new int[64]),
                Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    private static IEnumerable<BlockScan.Path> Paths()
    {
        yield return BlockScan.Path.Scalar;
        yield return BlockScan.Path.Vector128;
        if (Avx2.IsSupported)
        {
            yield return BlockScan.Path.Avx2;
        }

        if (Vector512.IsHardwareAccelerated && Avx512BW.IsSupported)
        {
            yield return BlockScan.Path.Avx512;
        }
    }

    private static int[] Naive(byte[] codes, ulong[] masks, int padded, int first, int count, byte[] tables, int queries)
    {
        int blockBytes = BlockLayout.CodeBytesPerBlock(padded);
        int tableBytes = BlockLayout.TableBytes(padded);
        int[] sums = new int[queries * count * 64];
        for (int query = 0; query < queries; query++)
        {
            for (int block = 0; block < count; block++)
            {
                for (int lane = 0; lane < 64; lane++)
                {
                    int sum = 0;
                    for (int group = 0; group < padded / 4; group++)
                    {
                        int code = codes[((first + block) * blockBytes) + (group / 2 * 64) + lane];
                        int nibble = group % 2 == 0 ? code & 15 : code >> 4;
                        sum += tables[(query * tableBytes) + (group * 16) + nibble];
                    }

                    sums[(((query * count) + block) * 64) + lane] = masks[first + block] == 0 ? -1 : sum;
                }
            }
        }

        return sums;
    }

    private static byte[] Bytes(int length, ulong seed, int largest) =>
        [.. Enumerable.Range(0, length).Select(i => (byte)(SplitMix64.At(seed, (ulong)i) % (ulong)(largest + 1)))];
}
