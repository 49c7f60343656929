namespace Moorcheh;

/// <summary>A vector to upload into a vector namespace.</summary>
/// <param name="Id">1 to 512 UTF-8 bytes, unique in its namespace; an id that exists is replaced.</param>
/// <param name="Vector">
/// Exactly as many finite values as the namespace has dimensions. All zeros is allowed and scores 0 against everything.
/// The array is read until the upload call returns and is not kept.
/// </param>
/// <param name="Metadata">Free keys and values; null is the same as <see cref="ItemMetadata.Empty"/>.</param>
public sealed record VectorItem(string Id, ReadOnlyMemory<float> Vector, ItemMetadata? Metadata = null)
{
    /// <summary>As the primary constructor, from an array, so that a collection expression can be written in place.</summary>
    public VectorItem(string id, float[] vector, ItemMetadata? metadata = null)
        : this(id, new ReadOnlyMemory<float>(vector), metadata)
    {
    }
}
