using Microsoft.Extensions.AI;

namespace Moorcheh.Tests.Support;

/// <summary>
/// A deterministic embedder: a bag of words, each word hashed to one of the values. Texts that share words are similar. It can be
/// made to fail, and to wait at a gate, so that a test decides how far an upload gets.
/// </summary>
internal sealed class HashingEmbedder(string model = "hashing-64") : IEmbeddingGenerator<string, Embedding<float>>
{
    private const int Dimension = 64;

    private readonly EmbeddingGeneratorMetadata _metadata = new("test", defaultModelId: model, defaultModelDimensions: Dimension);

    /// <summary>Calls wait for this; completed at first.</summary>
    public TaskCompletionSource Gate { get; private set; } = CreateOpenGate();

    /// <summary>Completes when a call waits at the gate.</summary>
    public TaskCompletionSource Reached { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Decides which texts fail, and with what.</summary>
    public Func<string, Exception?> Failure { get; set; } = _ => null;

    public void CloseGate()
    {
        Reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!Gate.Task.IsCompleted)
        {
            Reached.TrySetResult();
        }

        await Gate.Task.WaitAsync(cancellationToken);
        string[] texts = [.. values];
        return texts.Select(Failure).FirstOrDefault(error => error is not null) is { } failure
            ? throw failure
            : new GeneratedEmbeddings<Embedding<float>>(texts.Select(text => new Embedding<float>(Embed(text))));
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static TaskCompletionSource CreateOpenGate()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        gate.SetResult();
        return gate;
    }

    private static float[] Embed(string text)
    {
        float[] vector = new float[Dimension];
        foreach (string word in text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            // FNV-1a: the framework's string hashes differ from run to run.
            uint hash = 2166136261;
            foreach (char c in word)
            {
                hash = (hash ^ c) * 16777619;
            }

            vector[hash % Dimension]++;
        }

        return vector;
    }
}
