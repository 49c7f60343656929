using System.Numerics.Tensors;
using Microsoft.Extensions.AI;
using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings;

/// <summary>
/// Turns text into vectors on this machine, with ONNX Runtime and the built-in English model or a BERT-style model of the user.
/// </summary>
/// <remarks>
/// <para>Vectors have length 1 and the model's number of values (512 for the built-in model). The same text gives the same vector, to
/// 1e-5 in each value, alone or in a batch.</para>
/// <para>Every string is a text: an empty or blank one, one with control characters, emoji or lone surrogates has a vector as well; characters
/// the model does not know are one unknown token or none. A text longer than the model's window is cut into windows, and its vector is the
/// mean of their vectors, scaled to length 1 (see <see cref="OnnxEmbeddingOptions.MaxWindows"/>).</para>
/// <para>Thread-safe. Calls share <see cref="OnnxEmbeddingOptions.Threads"/> threads.</para>
/// </remarks>
public sealed class OnnxEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const string ProviderName = "onnx";

    private readonly OnnxModel _model;
    private readonly ITokenizer _tokenizer;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly SemaphoreSlim _threads;
    private readonly int _threadCount;
    private readonly int _maxTokens;
    private readonly int _maxWindows;

    private volatile bool _disposed;

    private OnnxEmbeddingGenerator(OnnxModel model, ITokenizer tokenizer, string modelId, int maxTokens, OnnxEmbeddingOptions options)
    {
        _model = model;
        _tokenizer = tokenizer;
        _metadata = new EmbeddingGeneratorMetadata(ProviderName, defaultModelId: modelId, defaultModelDimensions: model.Dimension);
        _threadCount = options.Threads;
        _threads = new SemaphoreSlim(_threadCount);
        _maxTokens = maxTokens;
        _maxWindows = options.MaxWindows;
    }

    /// <summary>Makes a generator with the model inside this package: Universal Sentence Encoder lite, English, 512 values, id "use-lite".</summary>
    /// <param name="options">Settings, or null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static OnnxEmbeddingGenerator CreateBuiltIn(OnnxEmbeddingOptions? options = null)
    {
        options ??= new OnnxEmbeddingOptions();
        options.Validate();
        int maxTokens = options.MaxTokens ?? BuiltInModel.MaxTokens;
        OnnxEmbeddingOptions.CheckRange(nameof(options.MaxTokens), maxTokens, OnnxEmbeddingOptions.MinTokens, BuiltInModel.MaxTokens);
        (OnnxModel model, ITokenizer tokenizer) = BuiltInModel.Load();
        return new OnnxEmbeddingGenerator(model, tokenizer, BuiltInModel.Id, maxTokens, options);
    }

    /// <summary>
    /// Makes a generator with a BERT-style model (MiniLM, BGE, E5 ...) from a folder: <c>model.onnx</c> with the inputs <c>input_ids</c>,
    /// <c>attention_mask</c> and perhaps <c>token_type_ids</c>, and <c>vocab.txt</c>, one piece a line. The output <c>last_hidden_state</c> is
    /// averaged over the tokens of a text; a model that has only an output with one vector a text is used as it is. The folder's name is the model's id.
    /// </summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="options">Settings, or null for the defaults.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">The folder has no model.onnx or no vocab.txt.</exception>
    /// <exception cref="InvalidDataException">A file cannot be read, or the model's inputs, outputs or number of tokens do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static OnnxEmbeddingGenerator Load(string directory, OnnxEmbeddingOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        options ??= new OnnxEmbeddingOptions();
        options.Validate();
        (OnnxModel model, ITokenizer tokenizer) = ModelFolder.Load(directory, options);
        string id = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        return new OnnxEmbeddingGenerator(model, tokenizer, id, options.MaxTokens ?? OnnxEmbeddingOptions.DefaultMaxTokens, options);
    }

    /// <summary>The vectors of the texts, in the order of the texts, and the number of tokens computed.</summary>
    /// <param name="values">The texts. None may be null; any other string is a text.</param>
    /// <param name="options">Null, or options whose <see cref="EmbeddingGenerationOptions.Dimensions"/> are unset or the model's; the rest is not used.</param>
    /// <param name="cancellationToken">Looked at between batches, which take some 20 to 100 ms.</param>
    /// <exception cref="ArgumentException">A text is null, or other dimensions than the model's are asked for.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed, or was while this ran.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. Nothing remains of the call.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (options?.Dimensions is { } dimensions && dimensions != _model.Dimension)
            throw new ArgumentException($"{dimensions} dimensions are asked for; model '{_metadata.DefaultModelId}' has {_model.Dimension}.", nameof(options));

        string[] texts = [.. values];
        int missing = Array.IndexOf(texts, null);
        if (missing >= 0)
            throw new ArgumentException($"Text {missing} is null.", nameof(values));
        return Task.Run(() => GenerateCoreAsync(texts, cancellationToken), cancellationToken);
    }

    /// <summary>The number of tokens the model's tokenizer makes of a text, without the ones it puts around every text. Takes time in proportion to the text.</summary>
    /// <param name="text">Any text.</param>
    public int CountTokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _tokenizer.Encode(text).Length;
    }

    /// <summary>The generator's <see cref="EmbeddingGeneratorMetadata"/>, the generator itself, or null.</summary>
    /// <param name="serviceType">The type asked for.</param>
    /// <param name="serviceKey">Null: nothing here has a key.</param>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        if (serviceType == typeof(EmbeddingGeneratorMetadata))
            return _metadata;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Frees the model. Running calls end with <see cref="ObjectDisposedException"/> after the batch they are at. May be repeated.</summary>
    public void Dispose()
    {
        _disposed = true;
        _model.Dispose();
    }

    private async Task<GeneratedEmbeddings<Embedding<float>>> GenerateCoreAsync(string[] texts, CancellationToken cancellationToken)
    {
        var windows = new List<TokenWindow>(texts.Length);
        for (int text = 0; text < texts.Length; text++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            windows.AddRange(WindowPlanner.Cut(text, _tokenizer.Encode(texts[text]), _tokenizer, _maxTokens, _maxWindows));
        }

        var vectors = new float[windows.Count][];
        await ComputeAsync(windows, vectors, cancellationToken).ConfigureAwait(false);

        long tokens = windows.Sum(window => (long)window.Tokens.Length);
        return new GeneratedEmbeddings<Embedding<float>>(Merge(windows, vectors))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    private async Task ComputeAsync(List<TokenWindow> windows, float[][] vectors, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _threadCount, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(WindowPlanner.Batch(windows, _threadCount), parallel, async (batch, cancel) =>
        {
            await _threads.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                float[][] computed = _model.Compute(new TokenBatch([.. batch.Select(index => windows[index])], _tokenizer.PaddingId));
                for (int i = 0; i < batch.Length; i++)
                    vectors[batch[i]] = computed[i];
            }
            finally
            {
                _threads.Release();
            }
        }).ConfigureAwait(false);
    }

    /// <summary>One embedding a text: the vector of its window, or the mean of its windows' vectors with length 1.</summary>
    private IEnumerable<Embedding<float>> Merge(List<TokenWindow> windows, float[][] vectors)
    {
        for (int window = 0; window < windows.Count;)
        {
            int text = windows[window].Text;
            float[] vector = vectors[window++];
            bool isMean = window < windows.Count && windows[window].Text == text;
            for (; window < windows.Count && windows[window].Text == text; window++)
                TensorPrimitives.Add(vector, vectors[window], vector);
            if (isMean)
                OnnxModel.Normalize(vector);
            yield return new Embedding<float>(vector) { ModelId = _metadata.DefaultModelId };
        }
    }
}
