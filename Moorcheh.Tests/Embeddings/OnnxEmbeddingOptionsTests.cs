using Moorcheh.Embeddings;

namespace Moorcheh.Tests.Embeddings;

internal sealed class OnnxEmbeddingOptionsTests
{
    [Test]
    public void Defaults_AreAsDocumented()
    {
        var options = new OnnxEmbeddingOptions();

        Assert.That(options.Threads, Is.EqualTo(Environment.ProcessorCount));
        Assert.That(options.MaxTokens, Is.Null);
        Assert.That(options.MaxWindows, Is.EqualTo(16));
        Assert.That(options.LowerCase, Is.Null);
        Assert.That((options.QueryPrefix, options.DocumentPrefix, options.Pooling, options.Dimensions), Is.EqualTo(((string?)null, (string?)null, (OnnxPooling?)null, (int?)null)));
    }

    [TestCase(0)]
    [TestCase(257)]
    public void Validate_ThreadsOutOfRange_Throws(int threads)
    {
        Assert.That(() => new OnnxEmbeddingOptions { Threads = threads }.Validate(), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(0)]
    [TestCase((1 << 20) + 1)]
    public void Validate_MaxWindowsOutOfRange_Throws(int windows)
    {
        Assert.That(() => new OnnxEmbeddingOptions { MaxWindows = windows }.Validate(), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Validate_DimensionsOrPoolingOutOfRange_Throws()
    {
        Assert.That(() => new OnnxEmbeddingOptions { Dimensions = 0 }.Validate(), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new OnnxEmbeddingOptions { Pooling = (OnnxPooling)4 }.Validate(), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Validate_Limits_AreAccepted()
    {
        var options = new OnnxEmbeddingOptions { Threads = 256, MaxTokens = 3, MaxWindows = 1 << 20 };

        Assert.That(options.Validate, Throws.Nothing);
    }
}
