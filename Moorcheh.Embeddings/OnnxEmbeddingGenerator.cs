using System.Numerics.Tensors;
using Microsoft.Extensions.AI;
using Moorcheh.Embeddings.Folders;
using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings;

/// <summary>
/// Turns text into vectors on this machine, with ONNX Runtime and the built-in English model or a model of the user.
/// </summary>
/// <remarks>
/// <para>Vectors have length 1 and the model's number of values (384 for the built-in model). The same text in the same role gives the same
/// vector, to 1e-5 in each value, alone or in a batch.</para>
/// <para>A query and a document are embedded differently by many models, the built-in one too. A call says what its texts are by
/// <see cref="EmbeddingGenerationOptions.AdditionalProperties"/>: <c>input_type</c> is <c>query</c> or <c>document</c>; without it, they are documents.</para>
/// <para>Every string is a text: an empty or blank one, one with control characters, emoji or lone surrogates has a vector as well; characters
/// the model does not know are one unknown token or none. A text longer than the model's window is cut into windows, and its vector is the
/// mean of their vectors, scaled to length 1 (see <see cref="OnnxEmbeddingOptions.MaxWindows"/>).</para>
/// <para>Thread-safe. Calls share <see cref="OnnxEmbeddingOptions.Threads"/> threads.</para>
/// </remarks>
public sealed class OnnxEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const string ProviderName = "onnx";
    private const string RoleProperty = "input_type";

    private readonly OnnxModel _model;
    private readonly ITokenizer _tokenizer;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly SemaphoreSlim _threads;
    private readonly int _threadCount;
    private readonly int _dimension;
    private readonly WindowCutter _queries;
    private readonly WindowCutter _documents;

    private volatile bool _disposed;

    private OnnxEmbeddingGenerator(LoadedModel loaded, OnnxEmbeddingOptions options)
    {
        _model = loaded.Model;
        _tokenizer = loaded.Tokenizer;
        try
        {
            _dimension = options.Dimensions ?? _model.Dimension;
            OnnxEmbeddingOptions.CheckRange(nameof(options.Dimensions), _dimension, 1, _model.Dimension);
            _queries = new WindowCutter(_tokenizer, loaded.Settings.QueryPrefix, loaded.Settings.MaxTokens, options.MaxWindows);
            _documents = new WindowCutter(_tokenizer, loaded.Settings.DocumentPrefix, loaded.Settings.MaxTokens, options.MaxWindows);
        }
        catch
        {
            _model.Dispose();
            throw;
        }
        _metadata = new EmbeddingGeneratorMetadata(ProviderName, defaultModelId: loaded.Id, defaultModelDimensions: _dimension);
        _threadCount = options.Threads;
        _threads = new SemaphoreSlim(_threadCount);
    }

    /// <summary>
    /// Makes a generator with the model inside this package: snowflake-arctic-embed-xs in eight bits, English, 384 values, windows of 512 tokens,
    /// id "snowflake-arctic-embed-xs" (other prefixes and dimensions make another id).
    /// </summary>
    /// <param name="options">Settings, or null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static OnnxEmbeddingGenerator CreateBuiltIn(OnnxEmbeddingOptions? options = null)
    {
        options ??= new OnnxEmbeddingOptions();
        options.Validate();
        return new OnnxEmbeddingGenerator(BuiltInModel.Load(options), options);
    }

    /// <summary>
    /// Makes a generator with a model from a folder as sentence-transformers publishes it: <c>model.onnx</c> or <c>onnx/model.onnx</c> with the inputs
    /// <c>input_ids</c>, <c>attention_mask</c> and perhaps <c>token_type_ids</c>; <c>vocab.txt</c>, <c>*.model</c> or <c>tokenizer.json</c>; and, if
    /// there, its configuration files for pooling, prompts and window. docs/embeddings.md has the list. The model's id is the folder's name and a hash
    /// over the model's and the tokenizer's file, pooling, prompts and dimensions, so that vectors that cannot be compared have different ids.
    /// </summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="options">Settings, or null for those of the folder.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">The folder has no model or no tokenizer.</exception>
    /// <exception cref="InvalidDataException">
    /// A file cannot be read or asks for what is not supported, or the model's inputs, outputs or number of tokens do not fit.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static OnnxEmbeddingGenerator Load(string directory, OnnxEmbeddingOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        options ??= new OnnxEmbeddingOptions();
        options.Validate();
        return new OnnxEmbeddingGenerator(ModelFolder.Load(directory, options), options);
    }

    /// <summary>The vectors of the texts, in the order of the texts, and the number of tokens computed.</summary>
    /// <param name="values">The texts. None may be null; any other string is a text.</param>
    /// <param name="options">Null, or options whose <see cref="EmbeddingGenerationOptions.Dimensions"/> are unset or the generator's, and whose
    /// additional property <c>input_type</c> is the role of the texts; the rest is not used.</param>
    /// <param name="cancellationToken">Looked at between batches, which take some 20 to 100 ms.</param>
    /// <exception cref="ArgumentException">
    /// A text is null, other dimensions than the generator's are asked for, or the role is neither <c>query</c> nor <c>document</c>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed, or was while this ran.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. Nothing remains of the call.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (options?.Dimensions is { } dimensions && dimensions != _dimension)
            throw new ArgumentException($"{dimensions} dimensions are asked for; model '{_metadata.DefaultModelId}' has {_dimension}.", nameof(options));

        WindowCutter cutter = CutterOf(options);
        string[] texts = [.. values];
        int missing = Array.IndexOf(texts, null);
        if (missing >= 0)
            throw new ArgumentException($"Text {missing} is null.", nameof(values));
        return Task.Run(() => GenerateCoreAsync(texts, cutter, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// The number of tokens the model's tokenizer makes of a text, without the model's prompt and the ones around every text. Takes time in
    /// proportion to the text.
    /// </summary>
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

    private async Task<GeneratedEmbeddings<Embedding<float>>> GenerateCoreAsync(
        string[] texts, WindowCutter cutter, CancellationToken cancellationToken)
    {
        var windows = new List<TokenWindow>(texts.Length);
        for (int text = 0; text < texts.Length; text++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            windows.AddRange(cutter.Cut(text, texts[text]));
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

    private WindowCutter CutterOf(EmbeddingGenerationOptions? options)
    {
        object? role = null;
        options?.AdditionalProperties?.TryGetValue(RoleProperty, out role);
        return role switch
        {
            "query" => _queries,
            null or "document" => _documents,
            _ => throw new ArgumentException($"{RoleProperty} is '{role}'; it must be 'query' or 'document'.", nameof(options)),
        };
    }

    /// <summary>One embedding a text: the vector of its window, or the mean of its windows' vectors, cut to the dimensions, with length 1.</summary>
    private IEnumerable<Embedding<float>> Merge(List<TokenWindow> windows, float[][] vectors)
    {
        for (int window = 0; window < windows.Count;)
        {
            int text = windows[window].Text;
            float[] vector = vectors[window++];
            bool isMean = window < windows.Count && windows[window].Text == text;
            for (; window < windows.Count && windows[window].Text == text; window++)
                TensorPrimitives.Add(vector, vectors[window], vector);
            if (vector.Length > _dimension)
                vector = vector[.._dimension];
            if (isMean || _dimension < _model.Dimension)
                OnnxModel.Normalize(vector);
            yield return new Embedding<float>(vector) { ModelId = _metadata.DefaultModelId };
        }
    }
}
