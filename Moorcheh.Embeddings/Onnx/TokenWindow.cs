namespace Moorcheh.Embeddings.Onnx;

/// <summary>A part of a text, short enough for the model, with the model's start and end ids.</summary>
internal readonly record struct TokenWindow(int Text, ReadOnlyMemory<int> Tokens);
