using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Moorcheh.Kernels;

namespace Moorcheh.Benchmarks;

/// <summary>
/// How far is one scan over all codes from just reading their bytes, and how far is it ahead of float32 inner products? One thread. The
/// baseline reads the one-bit codes, so one divided by a scan's ratio is its share of the read rate.
/// </summary>
[MemoryDiagnoser]
public class ScanKernelBenchmark
{
    // Small enough for sums and factors of a chunk to stay in the first cache level between the scan and the bound pass.
    private const int BlocksPerChunk = 16;
    private const ulong Seed = 42;
    private const int K = 10;

    private readonly int[] _sums = new int[4 * BlocksPerChunk * BlockLayout.SlotsPerBlock];
    private readonly float[] _best = new float[K];
    private int _padded;
    private int _blocks;
    private byte[] _codes = [];
    private float[] _factors = [];
    private sbyte[] _bytes = [];
    private float[] _byteFactors = [];
    private ulong[] _masks = [];
    private byte[] _tables = [];
    private short[] _byteQuery = [];
    private float[] _rows = [];
    private float[] _query = [];
    private float[] _centre = [];
    private Candidate[] _found = [];
    private QueryTerms _terms;
    private ByteQuery _byteTerms;

    /// <summary>Vectors; float32 rows of a million would not fit a small machine, so that comparison is left out there.</summary>
    [Params(100_000)]
    public int Count { get; set; }

    /// <summary>Values of a vector.</summary>
    [Params(384, 512, 1024)]
    public int Dimension { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _padded = BlockLayout.PaddedDimension(Dimension);
        _blocks = (Count + BlockLayout.SlotsPerBlock - 1) / BlockLayout.SlotsPerBlock;
        int codeBytes = BlockLayout.CodeBytesPerBlock(_padded);
        _codes = new byte[_blocks * codeBytes];
        _factors = new float[_blocks * BlockLayout.FactorsPerBlock];
        _bytes = new sbyte[_blocks * BlockLayout.SlotsPerBlock * _padded];
        _byteFactors = new float[_blocks * BlockLayout.FactorsPerBlock];
        _masks = new ulong[_blocks];
        _found = new Candidate[Count + BlockLayout.SlotsPerBlock];
        _tables = new byte[4 * BlockLayout.TableBytes(_padded)];
        _byteQuery = new short[_padded];
        _query = new float[Dimension];
        _centre = new float[Dimension];

        var source = new SyntheticVectors(SyntheticShape.Standard, Dimension, 7);
        _rows = source.Rows(Count);
        for (int i = 0; i < 1000 * Dimension; i++)
        {
            _centre[i % Dimension] += _rows[i] / 1000;
        }

        ulong[] signs = new ulong[Rotation.SignWords(_padded)];
        Rotation.FillSigns(signs, Seed);
        float[] scratch = new float[_padded];
        for (int i = 0; i < Count; i++)
        {
            int block = i / BlockLayout.SlotsPerBlock;
            int lane = i % BlockLayout.SlotsPerBlock;
            ReadOnlySpan<float> row = _rows.AsSpan(i * Dimension, Dimension);
            Span<float> factors = _factors.AsSpan(block * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock);
            BinaryEncoder.Encode(row, _centre, signs, scratch, _codes.AsSpan(block * codeBytes, codeBytes), factors, lane);
            factors = _byteFactors.AsSpan(block * BlockLayout.FactorsPerBlock, BlockLayout.FactorsPerBlock);
            Span<sbyte> bytes = _bytes.AsSpan(i * _padded, _padded);
            ByteEncoder.Encode(row, _centre, scratch, bytes, out factors[lane], out factors[BlockLayout.SlotsPerBlock + lane]);
            _masks[block] |= 1UL << lane;
        }

        for (int i = 0; i < 4; i++)
        {
            source.FillQuery(3 - i, _query);
            int tableBytes = BlockLayout.TableBytes(_padded);
            _terms = QueryTables.Build(_query, _centre, signs, Seed, scratch, _tables.AsSpan(i * tableBytes, tableBytes));
        }

        // The last query built is the one that the bound pass uses, so its tables go first.
        _tables.AsSpan(3 * BlockLayout.TableBytes(_padded)).CopyTo(_tables);
        _byteTerms = ByteQuery.Quantise(_query, _byteQuery);
    }

    [Benchmark(Baseline = true, Description = "read the codes")]
    public long Read()
    {
        ReadOnlySpan<Vector256<long>> words = MemoryMarshal.Cast<byte, Vector256<long>>(_codes);
        Vector256<long> even = Vector256<long>.Zero;
        Vector256<long> odd = Vector256<long>.Zero;
        for (int i = 0; i < words.Length - 1; i += 2)
        {
            even += words[i];
            odd += words[i + 1];
        }

        return Vector256.Sum(even + odd);
    }

    [Benchmark(Description = "scan")]
    public int Scan() => Scan(1);

    [Benchmark(Description = "scan, 4 queries at once")]
    public int ScanFour() => Scan(4);

    [Benchmark(Description = "scan and bounds, eps 3")]
    public int ScanAndBounds()
    {
        var found = new CandidateList(_found, _best);
        var bounds = new BinaryBounds(_terms, 3);
        for (int first = 0; first < _blocks; first += BlocksPerChunk)
        {
            int count = Math.Min(BlocksPerChunk, _blocks - first);
            BlockScan.Scan(_codes, _masks, _padded, first, count, _tables, 1, _sums);
            Collect(first, count, _factors, bounds, ref found);
        }

        found.Prune();
        return found.Count;
    }

    [Benchmark(Description = "8-bit scan and bounds")]
    public int ByteScanAndBounds()
    {
        var found = new CandidateList(_found, _best);
        var bounds = new ByteBounds(_byteTerms, _query, _centre);
        int blockBytes = BlockLayout.SlotsPerBlock * _padded;
        for (int first = 0; first < _blocks; first += BlocksPerChunk)
        {
            int count = Math.Min(BlocksPerChunk, _blocks - first);
            ByteScan.Scan(_bytes.AsSpan(first * blockBytes, count * blockBytes), _masks.AsSpan(first, count), _byteQuery, _sums);
            Collect(first, count, _byteFactors, bounds, ref found);
        }

        found.Prune();
        return found.Count;
    }

    [Benchmark(Description = "float32 inner products")]
    public float Float32()
    {
        float largest = float.MinValue;
        for (int i = 0; i < Count; i++)
        {
            largest = Math.Max(largest, TensorPrimitives.Dot(_rows.AsSpan(i * Dimension, Dimension), _query));
        }

        return largest;
    }

    private int Scan(int queries)
    {
        for (int first = 0; first < _blocks; first += BlocksPerChunk)
        {
            BlockScan.Scan(_codes, _masks, _padded, first, Math.Min(BlocksPerChunk, _blocks - first), _tables, queries, _sums);
        }

        return _sums[0];
    }

    private void Collect<TBounds>(int first, int count, float[] factors, in TBounds bounds, ref CandidateList found)
        where TBounds : struct, IBlockBounds =>
        BoundPass.Collect(
            _sums.AsSpan(0, count * BlockLayout.SlotsPerBlock),
            factors.AsSpan(first * BlockLayout.FactorsPerBlock, count * BlockLayout.FactorsPerBlock),
            _masks.AsSpan(first, count),
            first * BlockLayout.SlotsPerBlock,
            bounds,
            ref found);
}
