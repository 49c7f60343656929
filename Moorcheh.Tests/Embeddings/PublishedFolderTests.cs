using Microsoft.Extensions.AI;
using Moorcheh.Embeddings;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// Folders as sentence-transformers publishes them. The model looks a vector up for each token, so the expected vector of a text is computed
/// here from a known table.
/// </summary>
[CancelAfter(60_000)]
internal sealed class PublishedFolderTests
{
    private const int Width = 4;
    private const int Start = 2, End = 3, One = 4, Two = 5, Query = 6;

    private static readonly string[] Vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "one", "two", "query", ":"];
    private static readonly float[] Table = [.. Enumerable.Range(0, 32).Select(i => (float)Math.Sin((i * i) + 1))];

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void WriteModel()
    {
        _directory = new TemporaryDirectory();
        var graph = new OnnxGraphWriter();
        string ids = graph.Input("input_ids", OnnxGraphWriter.Int64, "batch", "tokens");
        string mask = graph.Input("attention_mask", OnnxGraphWriter.Int64, "batch", "tokens");
        string shown = graph.Node("Mul", [ids, mask]);
        graph.Nodes("Gather", [graph.Floats("table", [Table.Length / Width, Width], Table), shown], ["last_hidden_state"], "");
        graph.Output("last_hidden_state", OnnxGraphWriter.Float32, "batch", "tokens", Width);
        WriteBytes("onnx/model.onnx", graph.ToModel("tiny", 13, ""));
        Write("vocab.txt", string.Join('\n', Vocabulary) + "\n");
        Write("modules.json", """
            [{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
             {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
             {"idx":2,"name":"2","path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]
            """);
    }

    [TearDown]
    public void Delete() => _directory.Dispose();

    [TestCase("cls_token", OnnxPooling.Cls)]
    [TestCase("mean_tokens", OnnxPooling.Mean)]
    [TestCase("mean_sqrt_len_tokens", OnnxPooling.Mean)]
    [TestCase("max_tokens", OnnxPooling.Max)]
    [TestCase("lasttoken", OnnxPooling.LastToken)]
    public async Task Load_PoolingConfiguration_IsFollowed(string mode, OnnxPooling pooling)
    {
        Write("1_Pooling/config.json", $$"""{"word_embedding_dimension":4,"pooling_mode_{{mode}}":true,"pooling_mode_weightedmean_tokens":false}""");
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path);

        // Another text beside it: the padding of the shorter one must not count.
        GeneratedEmbeddings<Embedding<float>> computed = await generator.GenerateAsync(["two", "one two one"]);

        Assert.That(VectorMath.LargestDifference(computed[0].Vector, Pooled(pooling, Start, Two, End)), Is.LessThan(1e-6));
        Assert.That(VectorMath.LargestDifference(computed[1].Vector, Pooled(pooling, Start, One, Two, One, End)), Is.LessThan(1e-6));
    }

    [Test]
    public async Task Load_Prompts_ArePutBeforeTheTextsOfTheirRole()
    {
        Write("config_sentence_transformers.json", """{"prompts":{"query":"query: ","document":""},"default_prompt_name":null}""");
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path);
        using OnnxEmbeddingGenerator other = OnnxEmbeddingGenerator.Load(_directory.Path, new OnnxEmbeddingOptions { QueryPrefix = "", DocumentPrefix = "two" });

        Assert.That(await DifferenceAsync(generator, "query", Start, Query, 7, One, End), Is.LessThan(1e-6));
        Assert.That(await DifferenceAsync(generator, "document", Start, One, End), Is.LessThan(1e-6));
        Assert.That(await DifferenceAsync(other, "query", Start, One, End), Is.LessThan(1e-6));

        static async Task<double> DifferenceAsync(OnnxEmbeddingGenerator from, string role, params int[] ids) => VectorMath.LargestDifference(
            (await from.GenerateAsync(["one"], ReferenceText.As(role)))[0].Vector, Pooled(OnnxPooling.Mean, ids));
    }

    [Test]
    public async Task Load_MaxSequenceLength_CutsTheWindows()
    {
        Write("sentence_bert_config.json", """{"max_seq_length": 4, "do_lower_case": false}""");
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path);

        GeneratedEmbeddings<Embedding<float>> computed = await generator.GenerateAsync(["one two one two"]);

        Assert.That(computed.Usage!.InputTokenCount, Is.EqualTo(8));   // [CLS] one two [SEP], twice
    }

    [Test]
    public async Task Load_TokenizerJsonAlone_GivesTheSameTokens()
    {
        File.Delete(Path.Combine(_directory.Path, "vocab.txt"));
        string pieces = string.Join(',', Vocabulary.Select((piece, id) => $"\"{piece}\":{id}"));
        Write("tokenizer.json", $$$"""{"normalizer":{"type":"BertNormalizer","lowercase":true},"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{ {{{pieces}}} } } }""");
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path);

        Assert.That(VectorMath.LargestDifference(await generator.GenerateVectorAsync("ONE two"), Pooled(OnnxPooling.Mean, Start, One, Two, End)), Is.LessThan(1e-6));
    }

    [Test]
    public async Task Load_ByteLevelBpe_MergesAndEncloses()
    {
        File.Delete(Path.Combine(_directory.Path, "vocab.txt"));
        Write("tokenizer.json", """
            {"added_tokens":[{"id":0,"content":"<s>"},{"id":1,"content":"</s>"}],"normalizer":null,
             "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
             "post_processor":{"type":"RobertaProcessing","sep":["</s>",1],"cls":["<s>",0]},
             "model":{"type":"BPE","vocab":{"<s>":0,"</s>":1,"a":2,"b":3,"\u0120":4,"ab":5,"\u0120ab":6},"merges":["a b","\u0120 ab"]}}
            """);
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path);

        Assert.That(VectorMath.LargestDifference(await generator.GenerateVectorAsync("ab\n ab a"), Pooled(OnnxPooling.Mean, 0, 5, 6, 4, 2, 1)), Is.LessThan(1e-6));
    }

    [TestCase("", new[] { 3, 4, 3 })]
    [TestCase("XLMRobertaTokenizerFast", new[] { 0, 4, 5, 4, 2 })]
    public async Task Load_SentencePiece_GivesItsIdsOrThoseOfXlmRoberta(string kind, int[] ids)
    {
        File.Delete(Path.Combine(_directory.Path, "vocab.txt"));
        WriteBytes("sentencepiece.bpe.model", SentencePieceFile.Unigram(["\u2581one", "\u2581two"]));
        Write("tokenizer_config.json", $$"""{"tokenizer_class":"{{kind}}"}""");
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path);

        Assert.That(VectorMath.LargestDifference(await generator.GenerateVectorAsync("one\n\ttwo  one"), Pooled(OnnxPooling.Mean, ids)), Is.LessThan(1e-6));
    }

    [Test]
    public void Load_WhatChangesVectors_ChangesTheId()
    {
        string[] ids =
        [
            Id(new OnnxEmbeddingOptions()), Id(new OnnxEmbeddingOptions { Pooling = OnnxPooling.Cls }), Id(new OnnxEmbeddingOptions { QueryPrefix = "two" }),
            Id(new OnnxEmbeddingOptions { DocumentPrefix = "two" }), Id(new OnnxEmbeddingOptions { Dimensions = 2 }), Id(new OnnxEmbeddingOptions { LowerCase = false }),
        ];
        string again = Id(new OnnxEmbeddingOptions { MaxTokens = 8, Threads = 1 });
        Write("vocab.txt", string.Join('\n', Vocabulary.Reverse()) + "\n");

        Assert.That(ids.Append(Id(new OnnxEmbeddingOptions())), Is.Unique);
        Assert.That(again, Is.EqualTo(ids[0]));
    }

    [TestCase("modules.json", """[{"path":"2_Dense","type":"sentence_transformers.models.Dense"}]""", "'Dense'")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode_cls_token":true,"pooling_mode_max_tokens":true}""", "cls_token + max_tokens")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode_weightedmean_tokens":true}""", "weightedmean_tokens")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode_mean_tokens":1}""", "config.json")]
    [TestCase("config_sentence_transformers.json", """{"prompts":{"query":7}}""", "config_sentence_transformers.json")]
    public void Load_FolderThatDoesNotFit_IsRefusedWithWhatWasFound(string file, string content, string named)
    {
        Write(file, content);

        Assert.That(() => OnnxEmbeddingGenerator.Load(_directory.Path), Throws.TypeOf<InvalidDataException>().With.Message.Contains(named));
    }

    [Test]
    public void Load_UnigramInTokenizerJson_IsRefusedAndNamesTheFileThatIsNeeded()
    {
        File.Delete(Path.Combine(_directory.Path, "vocab.txt"));
        Write("tokenizer.json", """{"model":{"type":"Unigram","vocab":[["<unk>",0]]}}""");

        Assert.That(() => OnnxEmbeddingGenerator.Load(_directory.Path), Throws.TypeOf<InvalidDataException>().With.Message.Contains("Unigram").And.Message.Contains("*.model"));
    }

    private static float[] Pooled(OnnxPooling pooling, params int[] ids)
    {
        float[][] rows = [.. ids.Select(id => Table[(id * Width)..((id + 1) * Width)])];
        float[] vector = pooling switch
        {
            OnnxPooling.Cls => rows[0],
            OnnxPooling.LastToken => rows[^1],
            OnnxPooling.Max => [.. Enumerable.Range(0, Width).Select(i => rows.Max(row => row[i]))],
            _ => [.. Enumerable.Range(0, Width).Select(i => rows.Average(row => row[i]))],
        };
        double norm = VectorMath.Norm(vector);
        return [.. vector.Select(value => (float)(value / norm))];
    }

    private string Id(OnnxEmbeddingOptions options)
    {
        using OnnxEmbeddingGenerator generator = OnnxEmbeddingGenerator.Load(_directory.Path, options);
        return ((EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!).DefaultModelId!;
    }

    private void Write(string file, string content) => WriteBytes(file, System.Text.Encoding.UTF8.GetBytes(content));

    private void WriteBytes(string file, byte[] content)
    {
        string path = Path.Combine(_directory.Path, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
    }
}
