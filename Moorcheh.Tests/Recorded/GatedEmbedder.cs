using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>The test embedder, but a call with a text that contains a closed word waits until the word is open again.</summary>
internal sealed class GatedEmbedder(TestEmbedder inner) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    private readonly ConcurrentDictionary<string, Gate> _gates = new(StringComparer.Ordinal);

    /// <summary>Calls with this word wait from now on.</summary>
    public void Close(string word) => _gates.TryAdd(word, new Gate());

    /// <summary>Lets calls with this word go on.</summary>
    public void Open(string word)
    {
        if (_gates.TryRemove(word, out Gate? gate))
        {
            gate.Opened.TrySetResult();
        }
    }

    /// <summary>Lets all calls go on.</summary>
    public void OpenAll()
    {
        foreach (string word in _gates.Keys)
        {
            Open(word);
        }
    }

    /// <summary>Completes once this many calls have come to a closed word.</summary>
    public async Task HeldAsync(string word, int calls = 1)
    {
        while (Volatile.Read(ref _gates[word].Calls) < calls)
        {
            await Task.Delay(5, TestStore.Token);
        }
    }

    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<string> texts = [.. values];
        foreach ((string word, Gate gate) in _gates)
        {
            if (texts.Any(text => text.Contains(word, StringComparison.Ordinal)))
            {
                Interlocked.Increment(ref gate.Calls);
                await gate.Opened.Task.WaitAsync(cancellationToken);
            }
        }

        return await base.GenerateAsync(texts, options, cancellationToken);
    }

    private sealed class Gate
    {
        public int Calls;

        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
