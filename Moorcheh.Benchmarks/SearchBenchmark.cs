using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;

namespace Moorcheh.Benchmarks;

/// <summary>What does a search cost next to a brute force over float32 rows in memory?</summary>
[MemoryDiagnoser]
public class SearchBenchmark
{
    private const int Dimension = 512;

    private MoorchehStore _store = null!;
    private string _directory = null!;
    private float[] _rows = null!;
    private float[] _query = null!;

    [Params(10_000)]
    public int Count { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _directory = Path.Combine(Path.GetTempPath(), "moorcheh-benchmark-" + Guid.NewGuid().ToString("N"));
        _store = await MoorchehStore.OpenAsync(_directory);
        await _store.CreateNamespaceAsync("search", NamespaceKind.Vector, Dimension);
        var random = new Random(1);
        _rows = [.. Enumerable.Range(0, Count * Dimension).Select(_ => (random.NextSingle() * 2) - 1)];
        for (int i = 0; i < Count; i++)
        {
            Span<float> row = _rows.AsSpan(i * Dimension, Dimension);
            TensorPrimitives.Divide(row, TensorPrimitives.Norm(row), row);
        }

        _query = _rows[..Dimension];
        Job<UploadJobStatus> job = await _store.UploadVectorsAsync(
            "search", [.. Enumerable.Range(0, Count).Select(i => new VectorItem($"v{i}", _rows.AsMemory(i * Dimension, Dimension)))]);
        await job.WaitAsync();
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark(Baseline = true)]
    public float BruteForceFloat32()
    {
        float best = float.MinValue;
        for (int i = 0; i < Count; i++)
        {
            best = Math.Max(best, TensorPrimitives.Dot<float>(_query, _rows.AsSpan(i * Dimension, Dimension)));
        }

        return best;
    }

    [Benchmark]
    public Task<SearchResult> Search() => _store.SearchAsync(new SearchRequest("search", _query));
}
