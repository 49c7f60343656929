using Microsoft.Extensions.AI;

namespace Moorcheh.Tests.Support;

/// <summary>
/// A deterministic embedder: each word adds one to a place chosen by its hash, so texts that share words are near each other. It can
/// be told to fail, to block, and to answer nonsense.
/// </summary>
internal sealed class TestEmbedder(int dimension = 32, string provider = "test", string model = "bag", bool declaresDimension = true)
    : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly Lock _lock = new();
    private readonly List<IReadOnlyList<string>> _calls = [];
    private readonly List<object?> _roles = [];
    private readonly Queue<(int Count, TaskCompletionSource Reached)> _waiting = new();
    private TaskCompletionSource? _gate;
    private int _callsToFail;

    /// <summary>Calls with a text that contains this fail.</summary>
    public string? FailingWord { get; set; }

    /// <summary>True: a blocked call does not look at its token.</summary>
    public bool IgnoresCancellation { get; set; }

    /// <summary>Changes the vectors of a call before they are given back.</summary>
    public Func<IReadOnlyList<string>, List<float[]>, List<float[]>>? Distort { get; set; }

    /// <summary>Told the texts of a call when it begins; may block it.</summary>
    public Action<IReadOnlyList<string>>? OnCall { get; set; }

    /// <summary>Texts of each call so far, failed and cancelled ones too.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Calls
    {
        get
        {
            lock (_lock)
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>The role that each call so far asked for.</summary>
    public IReadOnlyList<object?> Roles
    {
        get
        {
            lock (_lock)
            {
                return [.. _roles];
            }
        }
    }

    public static float[] Embed(string text, int dimension)
    {
        float[] vector = new float[dimension];
        foreach (string word in text.ToLowerInvariant().Split([' ', '.', ',', '#'], StringSplitOptions.RemoveEmptyEntries))
        {
            uint hash = 2166136261;
            foreach (char c in word)
            {
                hash = (hash ^ c) * 16777619;
            }

            vector[(hash ^ (hash >> 15)) % (uint)dimension] += 1;
        }

        return vector;
    }

    /// <summary>The next calls throw.</summary>
    public void FailNextCalls(int count) => Volatile.Write(ref _callsToFail, count);

    /// <summary>Calls from now on wait until <see cref="Release"/>.</summary>
    public void Block()
    {
        lock (_lock)
        {
            _gate ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Release()
    {
        lock (_lock)
        {
            _gate?.TrySetResult();
            _gate = null;
        }
    }

    /// <summary>Completes once this many calls have begun, counted from the first.</summary>
    public Task CallsBegunAsync(int count)
    {
        lock (_lock)
        {
            if (_calls.Count >= count)
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((count, reached));
            return reached.Task;
        }
    }

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<string> texts = [.. values];
        OnCall?.Invoke(texts);
        Task gate;
        lock (_lock)
        {
            _calls.Add(texts);
            _roles.Add(options?.AdditionalProperties?[EmbeddingOptions.InputTypeProperty]);
            gate = _gate?.Task ?? Task.CompletedTask;
            foreach ((int count, TaskCompletionSource reached) in _waiting)
            {
                if (_calls.Count >= count)
                {
                    reached.TrySetResult();
                }
            }
        }

        await gate.WaitAsync(IgnoresCancellation ? CancellationToken.None : cancellationToken);
        if (Interlocked.Decrement(ref _callsToFail) >= 0)
        {
            throw new InvalidOperationException("connection refused.");
        }

        if (FailingWord is { } word && texts.Any(text => text.Contains(word, StringComparison.Ordinal)))
        {
            throw new InvalidOperationException($"cannot embed '{word}'");
        }

        List<float[]> vectors = [.. texts.Select(text => Embed(text, dimension))];
        vectors = Distort?.Invoke(texts, vectors) ?? vectors;
        return [.. vectors.Select(vector => new Embedding<float>(vector))];
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata(provider, null, model, declaresDimension ? dimension : null)
            : null;

    public void Dispose()
    {
    }
}
