using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// The invariant: the model in the package, in eight bits and rewritten, gives the vectors of the published float32 file (cosine 0.995 or more),
/// whatever the batch, the thread or the text.
/// </summary>
internal sealed class BuiltInModelTests
{
    private const int Dimension = 384;
    private const int WindowTokens = 512;

    private OnnxEmbeddingGenerator _generator = null!;

    [OneTimeSetUp]
    public void Load() => _generator = OnnxEmbeddingGenerator.CreateBuiltIn();

    [OneTimeTearDown]
    public void Unload() => _generator.Dispose();

    [Test, CancelAfter(60_000)]
    public async Task Generate_ReferenceTexts_PointWhereTheOriginalsDo(CancellationToken cancellationToken)
    {
        foreach (ReferenceText reference in ReferenceText.All)
        {
            GeneratedEmbeddings<Embedding<float>> computed =
                await _generator.GenerateAsync([reference.Text], ReferenceText.As(reference.Role), cancellationToken);
            Assert.That(VectorMath.Cosine(reference.Vector, computed[0].Vector), Is.GreaterThanOrEqualTo(0.995), reference.Text);
        }
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_ExampleOfTheModelsPage_HasThePublishedSimilarities(CancellationToken cancellationToken)
    {
        GeneratedEmbeddings<Embedding<float>> queries = await _generator.GenerateAsync(
            ["what is snowflake?", "Where can I get the best tacos?"], ReferenceText.As("query"), cancellationToken);
        GeneratedEmbeddings<Embedding<float>> documents = await _generator.GenerateAsync(
            ["The Data Cloud!", "Mexico City of Course!"], ReferenceText.As("document"), cancellationToken);

        double[] similarities = [.. queries.SelectMany(query => documents.Select(document => VectorMath.Cosine(query.Vector, document.Vector)))];
        Assert.That(similarities, Is.EqualTo((double[])[0.5751, 0.4580, 0.5045, 0.5636]).Within(0.01));
    }

    [TestCase("flour\neggs\nmilk")]
    [TestCase("flour\r\n\r\n\teggs \u00a0 milk\n")]
    [TestCase("\u2003flour\u2028eggs\u3000milk")]
    [CancelAfter(60_000)]
    public async Task Generate_OtherBlanks_GivesTheSameVector(string text, CancellationToken cancellationToken)
    {
        foreach (string role in (string[])["query", "document"])
        {
            GeneratedEmbeddings<Embedding<float>> computed = await _generator.GenerateAsync(["flour eggs milk", text], ReferenceText.As(role), cancellationToken);
            Assert.That(computed[1].Vector.ToArray(), Is.EqualTo(computed[0].Vector.ToArray()));
        }
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_Roles_QueryHasThePromptAndTheRestHasNone(CancellationToken cancellationToken)
    {
        const string text = "where do penguins live";
        ReadOnlyMemory<float> query = (await _generator.GenerateAsync([text], ReferenceText.As("query"), cancellationToken))[0].Vector;
        ReadOnlyMemory<float> document = (await _generator.GenerateAsync([text], ReferenceText.As("document"), cancellationToken))[0].Vector;
        ReadOnlyMemory<float> none = await _generator.GenerateVectorAsync(text, null, cancellationToken);
        ReadOnlyMemory<float> written = await _generator.GenerateVectorAsync(
            "Represent this sentence for searching relevant passages: " + text, null, cancellationToken);

        Assert.That(query.ToArray(), Is.EqualTo(written.ToArray()));
        Assert.That(document.ToArray(), Is.EqualTo(none.ToArray()));
        Assert.That(VectorMath.Cosine(query, document), Is.LessThan(0.98));
        Assert.That(() => _generator.GenerateAsync([text], ReferenceText.As("clustering"), cancellationToken), Throws.ArgumentException.With.Message.Contains("clustering"));
    }

    [Test, CancelAfter(60_000)]
    public async Task CreateBuiltIn_Dimensions_KeepsTheFirstOnesAndTheLength(CancellationToken cancellationToken)
    {
        using OnnxEmbeddingGenerator cut = OnnxEmbeddingGenerator.CreateBuiltIn(new OnnxEmbeddingOptions { Dimensions = 100 });
        float[] whole = (await _generator.GenerateVectorAsync("a text", null, cancellationToken)).ToArray();
        ReadOnlyMemory<float> vector = await cut.GenerateVectorAsync("a text", null, cancellationToken);

        double norm = VectorMath.Norm(whole.AsMemory(0, 100));
        Assert.That(VectorMath.LargestDifference(vector, whole.Take(100).Select(value => (float)(value / norm)).ToArray()), Is.LessThan(1e-6));
        var metadata = (EmbeddingGeneratorMetadata)cut.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.That(metadata.DefaultModelDimensions, Is.EqualTo(100));
        Assert.That(metadata.DefaultModelId, Does.Match("^snowflake-arctic-embed-xs@[0-9a-f]{12}$"));
        Assert.That(() => OnnxEmbeddingGenerator.CreateBuiltIn(new OnnxEmbeddingOptions { Dimensions = 385 }), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_Batch_EqualsTextsAlone(CancellationToken cancellationToken)
    {
        GeneratedEmbeddings<Embedding<float>> batch = await _generator.GenerateAsync(Texts(), null, cancellationToken);

        for (int i = 0; i < batch.Count; i++)
        {
            ReadOnlyMemory<float> alone = await _generator.GenerateVectorAsync(ReferenceText.All[i].Text, null, cancellationToken);
            Assert.That(VectorMath.LargestDifference(alone, batch[i].Vector), Is.LessThan(1e-5), ReferenceText.All[i].Text);
        }
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_ManyCallsAtOnce_EachGetsItsOwnVectors(CancellationToken cancellationToken)
    {
        GeneratedEmbeddings<Embedding<float>> expected = await _generator.GenerateAsync(Texts(), null, cancellationToken);

        Task<GeneratedEmbeddings<Embedding<float>>>[] calls =
            [.. Enumerable.Range(0, 16).Select(call => _generator.GenerateAsync(Texts().Skip(call), null, cancellationToken))];
        GeneratedEmbeddings<Embedding<float>>[] results = await Task.WhenAll(calls);

        for (int call = 0; call < results.Length; call++)
        {
            for (int i = 0; i < results[call].Count; i++)
                Assert.That(VectorMath.LargestDifference(results[call][i].Vector, expected[call + i].Vector), Is.LessThan(1e-5));
        }
    }

    [TestCase("")]
    [TestCase(" ")]
    [TestCase("\t\r\n")]
    [TestCase("\0")]
    [TestCase("\0a\0")]
    [TestCase("\u0001\u001b\u007f\u0085")]
    [TestCase("\ud800")]
    [TestCase("\udc00\ud83d text")]
    [TestCase("\U0001f642\U0001f680\U0001f469\u200d\U0001f4bb")]
    [TestCase("\u0301\u0301")]
    [TestCase("\ufeff\uffff\ufffe")]
    [TestCase("\u202eabc")]
    [CancelAfter(60_000)]
    public async Task Generate_OddText_GivesAUnitVector(string text, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<float> vector = await _generator.GenerateVectorAsync(text, null, cancellationToken);

        Assert.That(vector.Length, Is.EqualTo(Dimension));
        Assert.That(VectorMath.Norm(vector), Is.EqualTo(1).Within(1e-5));
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_LongText_IsTheNormalizedMeanOfItsWindows(CancellationToken cancellationToken)
    {
        // Each word is one token, so windows of 510 words, with a start and an end, are texts of their own.
        string[] words = [.. Enumerable.Range(0, 1200).Select(i => i % 3 == 0 ? "test" : "time")];
        string[] windows = [.. words.Chunk(WindowTokens - 2).Select(chunk => string.Join(' ', chunk))];
        var mean = new float[Dimension];
        foreach (Embedding<float> window in await _generator.GenerateAsync(windows, null, cancellationToken))
        {
            for (int i = 0; i < Dimension; i++)
                mean[i] += window.Vector.Span[i];
        }

        GeneratedEmbeddings<Embedding<float>> whole = await _generator.GenerateAsync([string.Join(' ', words)], null, cancellationToken);

        Assert.That(whole.Usage!.InputTokenCount, Is.EqualTo(1200 + (3 * 2)));
        Assert.That(VectorMath.Norm(whole[0].Vector), Is.EqualTo(1).Within(1e-5));
        double norm = VectorMath.Norm(mean);
        Assert.That(VectorMath.LargestDifference(mean.Select(value => (float)(value / norm)).ToArray(), whole[0].Vector), Is.LessThan(1e-5));
    }

    [Test, CancelAfter(120_000)]
    public async Task Generate_OneMebibyte_ComputesNoMoreThanTheMostWindows(CancellationToken cancellationToken)
    {
        string text = string.Concat(Enumerable.Repeat("time flies like an arrow ", (1 << 20) / 25));

        GeneratedEmbeddings<Embedding<float>> result = await _generator.GenerateAsync([text], null, cancellationToken);

        Assert.That(result.Usage!.InputTokenCount, Is.LessThanOrEqualTo(OnnxEmbeddingOptions.DefaultMaxWindows * WindowTokens));
        Assert.That(VectorMath.Norm(result[0].Vector), Is.EqualTo(1).Within(1e-5));
    }

    [Test]
    public async Task Generate_NoTexts_GivesNothing()
    {
        Assert.That(await _generator.GenerateAsync([]), Is.Empty);
    }

    [Test]
    public void Generate_NullText_ThrowsAndNamesItsPosition()
    {
        Assert.That(async () => await _generator.GenerateAsync(["a", null!]), Throws.ArgumentException.With.Message.Contains("Text 1"));
    }

    [Test]
    public void Generate_OtherDimensions_Throws()
    {
        var options = new EmbeddingGenerationOptions { Dimensions = 512 };

        Assert.That(async () => await _generator.GenerateAsync(["a"], options), Throws.ArgumentException.With.Message.Contains("512").And.Message.Contains("384"));
    }

    [Test]
    public void Generate_CancelledBefore_Throws()
    {
        Assert.That(async () => await _generator.GenerateAsync(["a"], null, new CancellationToken(canceled: true)),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_CancelledDuringTheWork_ThrowsBetweenBatches(CancellationToken cancellationToken)
    {
        // 20,000 texts take some 20 s: the call can only end this early because it was cancelled.
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task call = _generator.GenerateAsync(Enumerable.Repeat("The quick brown fox jumps over the lazy dog.", 20_000), null, cancel.Token);

        await cancel.CancelAsync();

        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(cancellationToken.IsCancellationRequested, Is.False);
    }

    [Test]
    public void GetService_Metadata_NamesProviderModelAndDimensions()
    {
        var metadata = (EmbeddingGeneratorMetadata)_generator.GetService(typeof(EmbeddingGeneratorMetadata))!;

        Assert.That(metadata.ProviderName, Is.EqualTo("onnx"));
        Assert.That(metadata.DefaultModelId, Is.EqualTo("snowflake-arctic-embed-xs"));
        Assert.That(metadata.DefaultModelDimensions, Is.EqualTo(Dimension));
    }

    [Test]
    public void GetService_Others_GivesItselfOrNull()
    {
        Assert.That(_generator.GetService(typeof(IEmbeddingGenerator)), Is.SameAs(_generator));
        Assert.That(_generator.GetService(typeof(string)), Is.Null);
        Assert.That(_generator.GetService(typeof(EmbeddingGeneratorMetadata), "key"), Is.Null);
    }

    [Test, CancelAfter(60_000)]
    public async Task Dispose_WhileCallsRun_EndsThemAndMayBeRepeated(CancellationToken cancellationToken)
    {
        OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.CreateBuiltIn();
        Task call = generator.GenerateAsync(Enumerable.Repeat("The quick brown fox jumps over the lazy dog.", 20_000), null, cancellationToken);

        generator.Dispose();
        generator.Dispose();

        Assert.That(async () => await call, Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => generator.GenerateAsync(["a"], null, cancellationToken), Throws.TypeOf<ObjectDisposedException>());
        await _generator.GenerateAsync(["the other generator still works"], null, cancellationToken);
    }

    [TestCase(10)]
    [TestCase(513)]
    public void CreateBuiltIn_MaxTokensOutOfRange_Throws(int maxTokens)
    {
        Assert.That(() => OnnxEmbeddingGenerator.CreateBuiltIn(new OnnxEmbeddingOptions { MaxTokens = maxTokens }),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("MaxTokens"));
    }

    private static IEnumerable<string> Texts() => ReferenceText.All.Select(reference => reference.Text);
}
