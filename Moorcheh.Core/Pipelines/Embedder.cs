using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;

namespace Moorcheh.Pipelines;

/// <summary>The configured embedding generator: who it is, and calls that are tried again and whose answers are checked. Safe for use from several threads.</summary>
internal sealed class Embedder
{
    private const int FirstPauseMs = 500;
    private const int FirstAlone = 3;
    private const int MaxMessageCharacters = 500;

    private static readonly EmbeddingRole DocumentRole = new("document");
    private static readonly EmbeddingRole QueryRole = new("query");

    private readonly IEmbeddingGenerator<string, Embedding<float>> _generator;
    private readonly MoorchehOptions _options;
    private readonly ILogger _logger;
    private volatile int _dimension;

    public Embedder(IEmbeddingGenerator<string, Embedding<float>> generator, MoorchehOptions options, ILogger logger)
    {
        _generator = generator;
        _options = options;
        _logger = logger;
        var metadata = generator.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;
        Provider = metadata?.ProviderName ?? "custom";
        Model = metadata?.DefaultModelId ?? string.Empty;
        _dimension = metadata?.DefaultModelDimensions ?? 0;
    }

    public string Provider { get; }

    public string Model { get; }

    /// <summary>Values per vector; 0 until it is known.</summary>
    public int Dimension => _dimension;

    /// <summary>True when vectors of the fingerprint can be compared with this generator's.</summary>
    public bool Matches(EmbedderFingerprint fingerprint) =>
        fingerprint.Provider == Provider
        && fingerprint.Model == Model
        && (_dimension == 0 || fingerprint.Dimension == _dimension);

    public EmbedderFingerprint Fingerprint(int dimension) => new(Provider, Model, dimension);

    /// <summary>The refusal of a request to a namespace that was embedded with another model.</summary>
    public MoorchehException Mismatch(string namespaceName, EmbedderFingerprint bound) => new(
        ErrorCodes.EmbeddingModelMismatch,
        $"Namespace '{namespaceName}' was embedded with '{bound.Name}' ({bound.Dimension} values); "
        + $"the server now uses '{Provider}/{Model}' ({(_dimension == 0 ? bound.Dimension : _dimension)} values).");

    /// <summary>Embeds texts that are stored; a call that fails is repeated, then each text is tried alone, so that one bad text fails alone.</summary>
    /// <returns>For each text its vector, or why there is none.</returns>
    public async Task<EmbeddedText[]> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        (EmbeddedText[]? all, string error, EmbedFailure failure) =
            await TryAsync(texts, DocumentRole, _options.Embedding.Attempts, cancellationToken).ConfigureAwait(false);
        if (all is not null)
        {
            return all;
        }

        var results = new EmbeddedText[texts.Count];
        if (texts.Count == 1 || failure != EmbedFailure.PerhapsOfAText)
        {
            Array.Fill(results, new EmbeddedText(default, error));
            return results;
        }

        // When the generator is down altogether, asking for every text would take as many time-outs as there are texts: if the
        // first ones and the last one all fail, so do the others.
        int last = texts.Count - 1;
        results[last] = await EmbedAloneAsync(texts[last], cancellationToken).ConfigureAwait(false);
        bool anyEmbedded = results[last].Error is null;
        for (int i = 0; i < last; i++)
        {
            results[i] = i < FirstAlone || anyEmbedded
                ? await EmbedAloneAsync(texts[i], cancellationToken).ConfigureAwait(false)
                : results[last];
            anyEmbedded |= results[i].Error is null;
        }

        return results;
    }

    /// <summary>Embeds a query.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.EmbedderFailed"/>.</exception>
    public async Task<ReadOnlyMemory<float>> EmbedQueryAsync(string text, CancellationToken cancellationToken) =>
        VectorOf((await EmbedQueriesAsync([text], cancellationToken).ConfigureAwait(false))[0]);

    /// <summary>
    /// Embeds queries, <see cref="EmbeddingOptions.BatchItems"/> in a call. A call is not repeated, because somebody waits.
    /// </summary>
    /// <returns>For each text its vector, or why there is none.</returns>
    public async Task<List<EmbeddedText>> EmbedQueriesAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        List<EmbeddedText> results = new(texts.Count);
        foreach (string[] some in texts.Chunk(_options.Embedding.BatchItems))
        {
            (EmbeddedText[]? all, string error, _) = await TryAsync(some, QueryRole, 1, cancellationToken).ConfigureAwait(false);
            results.AddRange(all ?? some.Select(_ => new EmbeddedText(default, error)));
        }

        return results;
    }

    /// <summary>The vector of an embedded query.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.EmbedderFailed"/>.</exception>
    public static ReadOnlyMemory<float> VectorOf(EmbeddedText query) =>
        query.Error is null
            ? query.Vector
            : throw new MoorchehException(ErrorCodes.EmbedderFailed, $"Embedding the query failed: {query.Error}.");

    private static string Describe(Exception e)
    {
        string message = e.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
        message = message.Length == 0 ? e.GetType().Name : message;
        return message.Length <= MaxMessageCharacters ? message : message[..MaxMessageCharacters];
    }

    private async Task<EmbeddedText> EmbedAloneAsync(string text, CancellationToken cancellationToken)
    {
        (EmbeddedText[]? one, string error, _) = await TryAsync([text], DocumentRole, 1, cancellationToken).ConfigureAwait(false);
        return one?[0] ?? new EmbeddedText(default, error);
    }

    private async Task<(EmbeddedText[]? Results, string Error, EmbedFailure Failure)> TryAsync(
        IReadOnlyList<string> texts, EmbeddingRole role, int attempts, CancellationToken cancellationToken)
    {
        string error = string.Empty;
        var failure = EmbedFailure.PerhapsOfAText;
        for (int attempt = 1; attempt <= attempts && failure != EmbedFailure.Final; attempt++)
        {
            if (attempt > 1)
            {
                var pause = TimeSpan.FromMilliseconds(FirstPauseMs * Math.Pow(2, attempt - 2));
                await Task.Delay(pause, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }

            using var patience = new CancellationTokenSource(_options.Embedding.Timeout, _options.TimeProvider);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
            try
            {
                GeneratedEmbeddings<Embedding<float>> generated =
                    await _generator.GenerateAsync(texts, role.ToOptions(), stop.Token)
                        .WaitAsync(stop.Token).ConfigureAwait(false); // Some generators do not look at the token.
                if (generated.Count == texts.Count)
                {
                    return ([.. generated.Select(embedding => Check(embedding.Vector))], string.Empty, default);
                }

                failure = EmbedFailure.PerhapsOfAText;
                error = $"the generator gave {generated.Count} vectors for {texts.Count} texts";
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e)
            {
                _logger.EmbeddingFailed(texts.Count, attempt, e);
                failure = patience.IsCancellationRequested ? EmbedFailure.PerhapsOfAText : EmbedFailures.Of(e);
                error = patience.IsCancellationRequested
                    ? string.Create(CultureInfo.InvariantCulture, $"no answer within {_options.Embedding.Timeout.TotalSeconds} s") : Describe(e);
            }
        }

        return (null, error, failure);
    }

    private EmbeddedText Check(ReadOnlyMemory<float> vector)
    {
        if (vector.Length is 0 or > NamespaceRules.MaxDimension)
        {
            return new EmbeddedText(default, $"the generator gave a vector of {vector.Length} values");
        }

        if (_dimension == 0)
        {
            _dimension = vector.Length;
        }

        if (vector.Length != _dimension)
        {
            return new EmbeddedText(default, $"the generator gave a vector of {vector.Length} values instead of {_dimension}");
        }

        foreach (float value in vector.Span)
        {
            if (!float.IsFinite(value))
            {
                return new EmbeddedText(default, "the generator gave a vector with a value that is not finite");
            }
        }

        return new EmbeddedText(vector, null);
    }
}

/// <summary>What a text is embedded for, in the word of the embedding services. A generator that knows no roles does not look at it.</summary>
internal sealed record EmbeddingRole(string InputType)
{
    /// <summary>Options of its own for each call: a generator may change what it is given.</summary>
    public EmbeddingGenerationOptions ToOptions() => new()
    {
        AdditionalProperties = new AdditionalPropertiesDictionary { [EmbeddingOptions.InputTypeProperty] = InputType },
    };
}

/// <summary>A text's vector, or the reason why it has none.</summary>
internal readonly record struct EmbeddedText(ReadOnlyMemory<float> Vector, string? Error);
