using System.Runtime.InteropServices;
using Moorcheh.Kernels;

namespace Moorcheh.Tests.Kernels;

/// <summary>Vectors encoded into both tiers, as a segment would hold them.</summary>
internal sealed class KernelSet
{
    public KernelSet(IReadOnlyList<float[]> vectors, float[] centre)
    {
        Vectors = vectors;
        Centre = centre;
        Dimension = centre.Length;
        Padded = BlockLayout.PaddedDimension(Dimension);
        Signs = KernelData.Signs(Dimension);
        int blocks = (vectors.Count + 63) / 64;
        Codes = new byte[blocks * BlockLayout.CodeBytesPerBlock(Padded)];
        Factors = new float[blocks * BlockLayout.FactorsPerBlock];
        Bytes = new sbyte[blocks * BlockLayout.SlotsPerBlock * Padded];
        ByteFactors = new float[blocks * BlockLayout.FactorsPerBlock];
        Masks = new ulong[blocks];
        float[] scratch = new float[Padded];
        for (int i = 0; i < vectors.Count; i++)
        {
            int lane = i & 63;
            Span<byte> codes = Codes.AsSpan((i >> 6) * BlockLayout.CodeBytesPerBlock(Padded), BlockLayout.CodeBytesPerBlock(Padded));
            Span<float> factors = Factors.AsSpan((i >> 6) * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock);
            BinaryEncoder.Encode(vectors[i], centre, Signs, scratch, codes, factors, lane);
            Span<float> byteFactors = ByteFactors.AsSpan((i >> 6) * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock);
            ByteEncoder.Encode(
                vectors[i], centre, scratch, Bytes.AsSpan(i * Padded, Padded), out byteFactors[lane], out byteFactors[64 + lane]);
            Masks[i >> 6] |= 1UL << lane;
        }
    }

    public IReadOnlyList<float[]> Vectors { get; }

    public float[] Centre { get; }

    public int Dimension { get; }

    public int Padded { get; }

    public ulong[] Signs { get; }

    public byte[] Codes { get; }

    public float[] Factors { get; }

    public sbyte[] Bytes { get; }

    public float[] ByteFactors { get; }

    public ulong[] Masks { get; }

    public QueryTerms Tables(float[] query, Span<byte> tables, ulong seed = KernelData.Seed) =>
        QueryTables.Build(query, Centre, Signs, seed, new float[Padded], tables);

    public int[] Scan(float[] query, out QueryTerms terms)
    {
        byte[] tables = new byte[BlockLayout.TableBytes(Padded)];
        terms = Tables(query, tables);
        int[] sums = new int[Masks.Length * 64];
        BlockScan.Scan(Codes, Masks, Padded, 0, Masks.Length, tables, 1, sums);
        return sums;
    }

    /// <summary>The bounds of every slot from the one-bit codes.</summary>
    public (float Upper, float Lower)[] BinaryBoundsOf(float[] query, float epsilon)
    {
        int[] sums = Scan(query, out QueryTerms terms);
        return Bounds(sums, Factors, new BinaryBounds(terms, epsilon));
    }

    /// <summary>The bounds of every slot from the eight-bit codes.</summary>
    public (float Upper, float Lower)[] ByteBoundsOf(float[] query)
    {
        short[] values = new short[Padded];
        ByteQuery terms = ByteQuery.Quantise(query, values);
        int[] sums = new int[Masks.Length * 64];
        ByteScan.Scan(Bytes, Masks, values, sums);
        return Bounds(sums, ByteFactors, new ByteBounds(terms, query, Centre));
    }

    /// <summary>Candidates as bytes and numbers, for comparing.</summary>
    public static Candidate[] Collect<TBounds>(int[] sums, float[] factors, ulong[] masks, TBounds bounds, int k)
        where TBounds : struct, IBlockBounds
    {
        var found = new CandidateList(new Candidate[sums.Length + 64], new float[k]);
        BoundPass.Collect(sums, factors, masks, 0, bounds, ref found);
        found.Prune();
        return found.Items.ToArray();
    }

    private (float Upper, float Lower)[] Bounds<TBounds>(int[] sums, float[] factors, TBounds bounds)
        where TBounds : struct, IBlockBounds
    {
        var result = new (float Upper, float Lower)[Vectors.Count];
        for (int i = 0; i < result.Length; i++)
        {
            int at = ((i >> 6) * BlockLayout.FactorsPerBlock) + (i & 63);
            bounds.Bound(sums[i], factors[at], factors[at + 64], out result[i].Upper, out result[i].Lower);
        }

        return result;
    }

    public static ReadOnlySpan<byte> Raw<T>(T[] values)
        where T : struct => MemoryMarshal.AsBytes(values.AsSpan());
}
