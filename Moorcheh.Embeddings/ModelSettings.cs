using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings;

/// <summary>What a model asks for around it.</summary>
/// <param name="Pooling">Used where the model's output is one vector a token.</param>
/// <param name="QueryPrefix">Put before a query.</param>
/// <param name="DocumentPrefix">Put before any other text.</param>
/// <param name="MaxTokens">The longest window, start and end included.</param>
/// <param name="LowerCase">For BERT's tokens only.</param>
internal sealed record ModelSettings(OnnxPooling Pooling, string QueryPrefix, string DocumentPrefix, int MaxTokens, bool LowerCase);

/// <summary>A model ready to compute.</summary>
internal sealed record LoadedModel(OnnxModel Model, ITokenizer Tokenizer, ModelSettings Settings, string Id);
