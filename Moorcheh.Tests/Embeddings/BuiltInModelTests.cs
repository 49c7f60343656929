using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// The invariant: the compressed model in the package gives the original's vectors (cosine 0.995 or more), whatever the batch, the
/// thread or the text.
/// </summary>
internal sealed class BuiltInModelTests
{
    private const int Dimension = 512;
    private const int WindowTokens = 128;

    private OnnxEmbeddingGenerator _generator = null!;

    [OneTimeSetUp]
    public void Load() => _generator = OnnxEmbeddingGenerator.CreateBuiltIn();

    [OneTimeTearDown]
    public void Unload() => _generator.Dispose();

    [Test, CancelAfter(60_000)]
    public async Task Generate_ReferenceTexts_PointWhereTheOriginalsDo(CancellationToken cancellationToken)
    {
        GeneratedEmbeddings<Embedding<float>> computed = await _generator.GenerateAsync(Texts(), null, cancellationToken);

        double[] cosines = [.. ReferenceText.All.Select((reference, i) => VectorMath.Cosine(reference.Embedding, computed[i].Vector))];
        TestContext.Out.WriteLine($"Smallest cosine with the original: {cosines.Min():F7}");
        Assert.That(cosines, Is.All.GreaterThanOrEqualTo(0.995));
    }

    [Test, CancelAfter(60_000)]
    public async Task Generate_PublishedPairs_HaveThePublishedSimilarities(CancellationToken cancellationToken)
    {
        string[] texts = ["How old are you?", "What is your age?", "The quick brown fox jumps over the lazy dog."];

        GeneratedEmbeddings<Embedding<float>> computed = await _generator.GenerateAsync(texts, null, cancellationToken);

        Assert.That(VectorMath.Cosine(computed[0].Vector, computed[1].Vector), Is.EqualTo(0.8464).Within(0.002));
        Assert.That(VectorMath.Cosine(computed[0].Vector, computed[2].Vector), Is.EqualTo(0.0008).Within(0.002));
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
        // "▁test" is one token; the first word of each window starts with it too, so windows of 128 words are texts of their own.
        string[] words = [.. Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? "test" : "time")];
        string[] windows = [.. words.Chunk(WindowTokens).Select(chunk => string.Join(' ', chunk))];
        var mean = new float[Dimension];
        foreach (Embedding<float> window in await _generator.GenerateAsync(windows, null, cancellationToken))
        {
            for (int i = 0; i < Dimension; i++)
                mean[i] += window.Vector.Span[i];
        }

        GeneratedEmbeddings<Embedding<float>> whole = await _generator.GenerateAsync([string.Join(' ', words)], null, cancellationToken);

        Assert.That(whole.Usage!.InputTokenCount, Is.EqualTo(300));
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
        var options = new EmbeddingGenerationOptions { Dimensions = 384 };

        Assert.That(async () => await _generator.GenerateAsync(["a"], options), Throws.ArgumentException.With.Message.Contains("384").And.Message.Contains("512"));
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
        Assert.That(metadata.DefaultModelId, Is.EqualTo("use-lite"));
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

    [TestCase(2)]
    [TestCase(129)]
    public void CreateBuiltIn_MaxTokensOutOfRange_Throws(int maxTokens)
    {
        Assert.That(() => OnnxEmbeddingGenerator.CreateBuiltIn(new OnnxEmbeddingOptions { MaxTokens = maxTokens }),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("MaxTokens"));
    }

    private static IEnumerable<string> Texts() => ReferenceText.All.Select(reference => reference.Text);
}
