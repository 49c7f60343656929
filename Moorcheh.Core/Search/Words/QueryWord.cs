namespace Moorcheh.Search.Words;

/// <summary>A word of a query.</summary>
/// <param name="Text">As written where it stands first, in lower case.</param>
/// <param name="Folded">Its characters, one for all that are equal ignoring case.</param>
/// <param name="Term">What it is filed under; other words may have the same.</param>
/// <param name="Times">How often it stands in the query.</param>
internal sealed record QueryWord(string Text, int[] Folded, ulong Term, int Times);
