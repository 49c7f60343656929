using System.Numerics.Tensors;

namespace Moorcheh.Embeddings.Onnx;

/// <summary>Makes one vector of those of a row's tokens. Its length does not matter: it is scaled to 1 afterwards.</summary>
internal static class Pooler
{
    /// <param name="tokens">The vectors of the row's tokens, one after the other; padding is at the end.</param>
    /// <param name="mask">1 for each token that counts.</param>
    /// <param name="pooling">Which of them count how.</param>
    /// <param name="vector">The result, all zeros before.</param>
    public static void Pool(ReadOnlySpan<float> tokens, ReadOnlySpan<long> mask, OnnxPooling pooling, Span<float> vector)
    {
        int count = mask.LastIndexOf(1L) + 1;
        if (count == 0)
            return;
        switch (pooling)
        {
            case OnnxPooling.Cls:
                tokens[..vector.Length].CopyTo(vector);
                break;
            case OnnxPooling.LastToken:
                tokens.Slice((count - 1) * vector.Length, vector.Length).CopyTo(vector);
                break;
            case OnnxPooling.Max:
                tokens[..vector.Length].CopyTo(vector);
                for (int token = 1; token < count; token++)
                    TensorPrimitives.Max(vector, tokens.Slice(token * vector.Length, vector.Length), vector);
                break;
            default:   // The sum has the direction of the mean.
                for (int token = 0; token < count; token++)
                    TensorPrimitives.Add(vector, tokens.Slice(token * vector.Length, vector.Length), vector);
                break;
        }
    }
}
