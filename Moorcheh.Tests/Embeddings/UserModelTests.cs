using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// User models are folders with model.onnx and vocab.txt. The models here look a vector up for each token, so that the expected vector
/// of a text is the mean of a few rows of a known table.
/// </summary>
internal sealed class UserModelTests
{
    private const int Width = 4;

    private static readonly string[] Vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "one", "two", "##s", "!"];
    private static readonly float[] Table = [.. Enumerable.Range(0, Vocabulary.Length * Width).Select(i => (float)Math.Sin(i + 1))];

    private string _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = Path.Combine(Directory.CreateTempSubdirectory("moorcheh-model-").FullName, "tiny-bert");

    [TearDown]
    public void DeleteFolder() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public async Task Load_ModelWithHiddenStates_AveragesTheTokens(bool withTokenTypes)
    {
        WriteFolder(HiddenStates(withTokenTypes));
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_folder);

        // Different lengths in one call: the padding of the shorter texts must not count.
        GeneratedEmbeddings<Embedding<float>> computed = await generator.GenerateAsync(["Ones Two!", "two", "", "zebra"]);

        Assert.That(VectorMath.LargestDifference(computed[0].Vector, MeanOf(2, 4, 6, 5, 7, 3)), Is.LessThan(1e-6));
        Assert.That(VectorMath.LargestDifference(computed[1].Vector, MeanOf(2, 5, 3)), Is.LessThan(1e-6));
        Assert.That(VectorMath.LargestDifference(computed[2].Vector, MeanOf(2, 3)), Is.LessThan(1e-6));
        Assert.That(VectorMath.LargestDifference(computed[3].Vector, MeanOf(2, 1, 3)), Is.LessThan(1e-6));
    }

    [Test]
    public async Task Load_LongText_IsTheMeanOfItsWindows()
    {
        WriteFolder(HiddenStates());
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_folder, new OnnxEmbeddingOptions { MaxTokens = 4 });

        ReadOnlyMemory<float> vector = await generator.GenerateVectorAsync("one two one");

        float[] first = MeanOf(2, 4, 5, 3), second = MeanOf(2, 4, 3);
        Assert.That(VectorMath.LargestDifference(vector, Unit(first.Zip(second, (a, b) => a + b))), Is.LessThan(1e-6));
    }

    [Test]
    public void Load_Folder_NamesTheModelAfterIt()
    {
        WriteFolder(HiddenStates());
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_folder + Path.DirectorySeparatorChar);

        var metadata = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;

        Assert.That(metadata.ProviderName, Is.EqualTo("onnx"));
        Assert.That(metadata.DefaultModelId, Does.Match("^tiny-bert@[0-9a-f]{12}$"));
        Assert.That(metadata.DefaultModelDimensions, Is.EqualTo(Width));
    }

    [Test]
    public async Task Load_ConfigurationOfACasedModel_KeepsCase()
    {
        WriteFolder(HiddenStates());
        await File.WriteAllTextAsync(Path.Combine(_folder, "tokenizer_config.json"), """{"do_lower_case": false}""");
        using OnnxEmbeddingGenerator cased = OnnxEmbeddingGenerator.Load(_folder);
        using OnnxEmbeddingGenerator uncased = OnnxEmbeddingGenerator.Load(_folder, new OnnxEmbeddingOptions { LowerCase = true });

        Assert.That(VectorMath.LargestDifference(await cased.GenerateVectorAsync("One"), MeanOf(2, 1, 3)), Is.LessThan(1e-6));
        Assert.That(VectorMath.LargestDifference(await uncased.GenerateVectorAsync("One"), MeanOf(2, 4, 3)), Is.LessThan(1e-6));
    }

    [Test]
    public void Load_MissingFolder_Throws()
    {
        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<DirectoryNotFoundException>().With.Message.Contains("tiny-bert"));
    }

    [TestCase("model.onnx")]
    [TestCase("vocab.txt")]
    public void Load_MissingFile_ThrowsAndNamesIt(string file)
    {
        WriteFolder(HiddenStates());
        File.Delete(Path.Combine(_folder, file));

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<FileNotFoundException>().With.Message.Contains($"no file '{file}'"));
    }

    [Test]
    public void Load_FileThatIsNoModel_Throws()
    {
        WriteFolder([1, 2, 3]);

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("cannot be loaded"));
    }

    [Test]
    public void Load_ConfigurationThatIsNoJson_Throws()
    {
        WriteFolder(HiddenStates());
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), "{");

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("tokenizer_config.json"));
    }

    [Test]
    public void Load_VocabularyLargerThanTheModels_Throws()
    {
        WriteFolder(HiddenStates(), [.. Vocabulary, "three"]);

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("id 8"));
    }

    [Test]
    public void Load_ModelWithoutMask_ThrowsAndSaysSo()
    {
        var graph = new OnnxGraphWriter();
        graph.Nodes("Gather", [TableOf(graph), graph.Input("input_ids", OnnxGraphWriter.Int64, "batch", "tokens")], ["last_hidden_state"], "");
        graph.Output("last_hidden_state", OnnxGraphWriter.Float32, "batch", "tokens", Width);
        WriteFolder(graph.ToModel("tiny", 13, ""));

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("no input 'attention_mask'"));
    }

    [Test]
    public void Load_ModelWithUnknownInput_ThrowsAndNamesIt()
    {
        var graph = new OnnxGraphWriter();
        graph.Input("position_ids", OnnxGraphWriter.Int64, "batch", "tokens");
        WriteFolder(HiddenStates(graph: graph));

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("'position_ids'"));
    }

    [Test]
    public void Load_ModelWithOutputOfWrongShape_ThrowsAndSaysWhich()
    {
        var graph = new OnnxGraphWriter();
        string ids = graph.Input("input_ids", OnnxGraphWriter.Int64, "batch", "tokens");
        string mask = graph.Input("attention_mask", OnnxGraphWriter.Int64, "batch", "tokens");
        graph.Nodes("Mul", [ids, mask], ["answer"], "");
        graph.Output("answer", OnnxGraphWriter.Int64, "batch", "tokens");
        WriteFolder(graph.ToModel("tiny", 13, ""));

        Assert.That(() => OnnxEmbeddingGenerator.Load(_folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("Output 'answer'"));
    }

    private static byte[] HiddenStates(bool withTokenTypes = false, OnnxGraphWriter? graph = null)
    {
        graph ??= new OnnxGraphWriter();
        string ids = graph.Input("input_ids", OnnxGraphWriter.Int64, "batch", "tokens");
        string mask = graph.Input("attention_mask", OnnxGraphWriter.Int64, "batch", "tokens");
        if (withTokenTypes)
            ids = graph.Node("Add", [ids, graph.Input("token_type_ids", OnnxGraphWriter.Int64, "batch", "tokens")]);

        // Masked tokens get the vector of "!": only correct pooling hides them.
        string last = graph.Longs("last", [], Vocabulary.Length - 1);
        string shown = graph.Node("Where", [graph.Node("Cast", [mask], ("to", 9)), ids, last]);
        graph.Nodes("Gather", [TableOf(graph), shown], ["last_hidden_state"], "");
        graph.Output("last_hidden_state", OnnxGraphWriter.Float32, "batch", "tokens", Width);
        return graph.ToModel("tiny", 13, "");
    }

    private static string TableOf(OnnxGraphWriter graph) => graph.Floats("table", [Vocabulary.Length, Width], Table);

    private static float[] MeanOf(params int[] ids) =>
        Unit(Enumerable.Range(0, Width).Select(i => ids.Sum(id => Table[(id * Width) + i])));

    private static float[] Unit(IEnumerable<float> values)
    {
        float[] vector = [.. values];
        double norm = VectorMath.Norm(vector);
        return [.. vector.Select(value => (float)(value / norm))];
    }

    private void WriteFolder(byte[] model, string[]? vocabulary = null)
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllBytes(Path.Combine(_folder, "model.onnx"), model);
        File.WriteAllText(Path.Combine(_folder, "vocab.txt"), string.Join('\n', vocabulary ?? Vocabulary) + "\n");
    }
}
