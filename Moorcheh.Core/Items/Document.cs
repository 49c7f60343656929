namespace Moorcheh;

/// <summary>A text to upload into a text namespace.</summary>
/// <param name="Id">1 to 512 UTF-8 bytes, unique in its namespace; an id that exists is replaced.</param>
/// <param name="Text">1 byte to <see cref="LimitOptions.MaxTextBytes"/> UTF-8 bytes; blanks only is allowed.</param>
/// <param name="Metadata">Free keys and values; null is the same as <see cref="ItemMetadata.Empty"/>.</param>
public sealed record Document(string Id, string Text, ItemMetadata? Metadata = null);
