using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Moorcheh.Embeddings.Onnx;

/// <summary>
/// An ONNX model that turns tokens into vectors. Its output is either one vector a row (as the built-in model's) or one a token, of which
/// <see cref="Pooler"/> makes one. Thread-safe. Dispose waits for nobody: the last computation that runs ends the session.
/// </summary>
internal sealed class OnnxModel : IDisposable
{
    private const string IdsName = "input_ids";
    private const string MaskName = "attention_mask";
    private const string TypesName = "token_type_ids";

    private readonly Lock _lock = new();
    private readonly InferenceSession _session;
    private readonly string[] _inputs;
    private readonly string[] _outputs;
    private readonly bool _outputIsPerToken;
    private readonly OnnxPooling _pooling;

    private int _running;
    private bool _disposed;

    private OnnxModel(InferenceSession session, string description, OnnxPooling pooling)
    {
        _session = session;
        _pooling = pooling;
        try
        {
            _inputs = CheckInputs(session, description);
            (_outputs, _outputIsPerToken) = CheckOutput(session, description);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model and computes the longest window of the highest id with it, so that a model that does not fit fails here.</summary>
    /// <param name="open">Opens the model.</param>
    /// <param name="description">What messages call the model.</param>
    /// <param name="highestId">The highest id that will be asked for.</param>
    /// <param name="maxTokens">The longest window that will be asked for.</param>
    /// <param name="pooling">What makes one vector of those of the tokens, where the model does not.</param>
    /// <exception cref="InvalidDataException">It is no ONNX model, its inputs or outputs do not fit, or it cannot compute that window.</exception>
    public static OnnxModel Load(Func<SessionOptions, InferenceSession> open, string description, int highestId, int maxTokens, OnnxPooling pooling)
    {
        OnnxModel? loaded = null;
        try
        {
            using SessionOptions options = CreateSessionOptions();
            loaded = new OnnxModel(open(options), description, pooling);
            var probe = new int[maxTokens];
            Array.Fill(probe, highestId);
            loaded.Dimension = loaded.Compute(new TokenBatch([new TokenWindow(0, probe)], paddingId: 0))[0].Length;
            return loaded;
        }
        catch (OnnxRuntimeException exception)
        {
            loaded?.Dispose();
            string doing = loaded is null ? "loaded" : $"run on {maxTokens} tokens (its window) of id {highestId} (the last of its vocabulary)";
            throw new InvalidDataException($"{description} cannot be {doing}: {exception.Message}", exception);
        }
        catch
        {
            loaded?.Dispose();
            throw;
        }
    }

    /// <summary>The number of values of a vector.</summary>
    public int Dimension { get; private set; }

    /// <summary>One unit vector for each row of the batch. A row the model gives no direction for is all zeros.</summary>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public float[][] Compute(TokenBatch batch)
    {
        Enter();
        try
        {
            return Run(batch);
        }
        finally
        {
            Exit();
        }
    }

    public void Dispose()
    {
        bool idle;
        lock (_lock)
        {
            idle = !_disposed && _running == 0;
            _disposed = true;
        }
        if (idle)
            _session.Dispose();
    }

    private static SessionOptions CreateSessionOptions() => new()
    {
        GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
        IntraOpNumThreads = 1,         // threads work on different batches: 15 % more texts a second than two on one batch
        InterOpNumThreads = 1,
        EnableMemoryPattern = false,   // patterns are kept for every shape ever seen, and ours vary
        LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,   // what goes wrong is thrown; nothing is printed
    };

    private void Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(OnnxEmbeddingGenerator));
            _running++;
        }
    }

    private void Exit()
    {
        bool last;
        lock (_lock)
            last = --_running == 0 && _disposed;
        if (last)
            _session.Dispose();
    }

    private float[][] Run(TokenBatch batch)
    {
        long[] shape = [batch.Rows, batch.Columns];
        var inputs = new List<OrtValue>(_inputs.Length);
        try
        {
            foreach (string name in _inputs)
            {
                long[] values = name switch
                {
                    IdsName => batch.Ids,
                    MaskName => batch.Mask,
                    _ => new long[batch.Ids.Length],   // token types: all of the first sentence
                };
                inputs.Add(OrtValue.CreateTensorValueFromMemory(values, shape));
            }
            using var options = new RunOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(options, _inputs, inputs, _outputs);
            return ReadVectors(outputs[0].GetTensorDataAsSpan<float>(), batch);
        }
        finally
        {
            foreach (OrtValue input in inputs)
                input.Dispose();
        }
    }

    private float[][] ReadVectors(ReadOnlySpan<float> output, TokenBatch batch)
    {
        int vectorsPerRow = _outputIsPerToken ? batch.Columns : 1;
        int dimension = output.Length / (batch.Rows * vectorsPerRow);
        var vectors = new float[batch.Rows][];
        for (int row = 0; row < batch.Rows; row++)
        {
            var vector = new float[dimension];
            ReadOnlySpan<float> values = output.Slice(row * vectorsPerRow * dimension, vectorsPerRow * dimension);
            if (_outputIsPerToken)
                Pooler.Pool(values, batch.Mask.AsSpan(row * batch.Columns, batch.Columns), _pooling, vector);
            else
                values.CopyTo(vector);
            Normalize(vector);
            vectors[row] = vector;
        }
        return vectors;
    }

    /// <summary>Gives the vector length 1.</summary>
    internal static void Normalize(Span<float> vector)
    {
        float norm = TensorPrimitives.Norm<float>(vector);
        if (norm > 0)
            TensorPrimitives.Divide(vector, norm, vector);
    }

    private static string[] CheckInputs(InferenceSession session, string description)
    {
        foreach (string needed in (string[])[IdsName, MaskName])
        {
            if (!session.InputMetadata.ContainsKey(needed))
                throw new InvalidDataException($"{description} has no input '{needed}'; its inputs are {Names(session.InputMetadata)}.");
        }
        foreach ((string name, NodeMetadata input) in session.InputMetadata)
        {
            if (name is not (IdsName or MaskName or TypesName))
                throw new InvalidDataException($"{description} has an input '{name}'; only {IdsName}, {MaskName} and {TypesName} are supported.");
            if (input.ElementDataType != TensorElementType.Int64 || input.Dimensions.Length != 2)
            {
                throw new InvalidDataException(
                    $"Input '{name}' of {description} is {input.ElementDataType} with {input.Dimensions.Length} dimensions; it must be Int64 with 2.");
            }
        }
        return [.. session.InputMetadata.Keys];
    }

    private static (string[] Name, bool IsPerToken) CheckOutput(InferenceSession session, string description)
    {
        string[] preferred = ["last_hidden_state", "token_embeddings", "sentence_embedding"];
        string name = preferred.FirstOrDefault(session.OutputMetadata.ContainsKey) ?? session.OutputNames[0];
        NodeMetadata output = session.OutputMetadata[name];
        if (output.ElementDataType != TensorElementType.Float || output.Dimensions.Length is not (2 or 3))
        {
            throw new InvalidDataException(
                $"Output '{name}' of {description} is {output.ElementDataType} with {output.Dimensions.Length} dimensions; "
                + "it must be Float with 3 (batch, tokens, vector) or 2 (batch, vector).");
        }
        return ([name], output.Dimensions.Length == 3);
    }

    private static string Names(IReadOnlyDictionary<string, NodeMetadata> metadata) => string.Join(", ", metadata.Keys.Select(name => $"'{name}'"));
}
