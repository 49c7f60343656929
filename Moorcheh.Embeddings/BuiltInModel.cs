using Microsoft.ML.OnnxRuntime;
using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings;

/// <summary>The model inside the assembly. docs/builtin-model.md says where it comes from.</summary>
internal static class BuiltInModel
{
    public const string Id = "snowflake-arctic-embed-xs";
    public const int MaxTokens = 512;
    public const string QueryPrefix = "Represent this sentence for searching relevant passages: ";

    private const string Name = "arctic-embed-xs";

    // Any window fits, so loading computes a short one.
    private const int ProbeTokens = 3;

    /// <exception cref="ArgumentOutOfRangeException">An option is out of the model's range.</exception>
    public static LoadedModel Load(OnnxEmbeddingOptions options)
    {
        int maxTokens = options.MaxTokens ?? MaxTokens;
        OnnxEmbeddingOptions.CheckRange(nameof(options.MaxTokens), maxTokens, OnnxEmbeddingOptions.MinTokens, MaxTokens);
        if (options.Pooling is not (null or OnnxPooling.Cls))
            throw new ArgumentOutOfRangeException(nameof(options), options.Pooling, $"Pooling of the built-in model is {OnnxPooling.Cls}, which is part of it.");
        var settings = new ModelSettings(OnnxPooling.Cls, options.QueryPrefix ?? QueryPrefix, options.DocumentPrefix ?? "", maxTokens, LowerCase: true);

        using Stream vocabulary = Open(Name + ".vocab.txt");
        var tokenizer = BertTextTokenizer.Create(Vocabulary.Read(vocabulary), lowerCase: true, SpecialTokens.Bert);
        using Stream stream = Open(Name + ".onnx");
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        OnnxModel model = OnnxModel.Load(
            session => new InferenceSession(content, session), "The built-in model", tokenizer.VocabularySize - 1, ProbeTokens, settings.Pooling);
        bool isChanged = settings.QueryPrefix != QueryPrefix || settings.DocumentPrefix.Length > 0 || options.Dimensions is not null;
        return new LoadedModel(model, tokenizer, settings, isChanged ? ModelIdentity.Of(Id, settings, options.Dimensions, []) : Id);
    }

    private static Stream Open(string name) =>
        typeof(BuiltInModel).Assembly.GetManifestResourceStream($"Moorcheh.Embeddings.{name}")
        ?? throw new InvalidOperationException($"The assembly has no resource '{name}'.");
}
