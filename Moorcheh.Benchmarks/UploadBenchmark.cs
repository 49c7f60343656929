using BenchmarkDotNet.Attributes;

namespace Moorcheh.Benchmarks;

/// <summary>How long until an upload is on disk and searchable, next to writing the same bytes to a file and flushing it?</summary>
[MemoryDiagnoser]
public class UploadBenchmark
{
    private const int Dimension = 512;

    private MoorchehStore _store = null!;
    private string _directory = null!;
    private VectorItem[] _items = null!;
    private byte[] _bytes = null!;

    [Params(1, 1000)]
    public int Items { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _directory = Path.Combine(Path.GetTempPath(), "moorcheh-benchmark-" + Guid.NewGuid().ToString("N"));
        _store = await MoorchehStore.OpenAsync(_directory);
        await _store.CreateNamespaceAsync("upload", NamespaceKind.Vector, Dimension);
        var random = new Random(1);
        _items =
        [
            .. Enumerable.Range(0, Items).Select(i => new VectorItem(
                $"v{i}", Enumerable.Range(0, Dimension).Select(_ => (random.NextSingle() * 2) - 1).ToArray())),
        ];
        _bytes = new byte[Items * Dimension * sizeof(float)];
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark(Baseline = true)]
    public void WriteFileAndFlush()
    {
        using FileStream file = new(Path.Combine(_directory, "baseline"), FileMode.Create);
        file.Write(_bytes);
        file.Flush(flushToDisk: true);
    }

    [Benchmark]
    public async Task<UploadJobStatus> UploadAndWait() => await (await _store.UploadVectorsAsync("upload", _items)).WaitAsync();
}
