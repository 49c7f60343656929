using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;

namespace Moorcheh.Benchmarks;

/// <summary>What does reading a job's status cost next to one look-up in a dictionary?</summary>
[MemoryDiagnoser]
public class JobStatusBenchmark
{
    private readonly ConcurrentDictionary<string, object> _dictionary = new();
    private MoorchehStore _store = null!;
    private string _directory = null!;
    private string _jobId = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _directory = Path.Combine(Path.GetTempPath(), "moorcheh-benchmark-" + Guid.NewGuid().ToString("N"));
        _store = await MoorchehStore.OpenAsync(_directory);
        await _store.CreateNamespaceAsync("jobs", NamespaceKind.Vector, 4);
        Job<UploadJobStatus> job = await _store.UploadVectorsAsync("jobs", [new VectorItem("a", [1, 2, 3, 4])]);
        await job.WaitAsync();
        _jobId = job.Id;
        _dictionary[_jobId] = job;
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark(Baseline = true)]
    public object? DictionaryLookup() => _dictionary.GetValueOrDefault(_jobId);

    [Benchmark]
    public JobStatus? Find() => _store.Jobs.Find(_jobId);
}
