namespace Moorcheh.Index.Postings;

/// <summary>What a character is to words.</summary>
internal enum WordKind
{
    /// <summary>It separates words.</summary>
    None,

    /// <summary>A letter, digit or underscore: words are runs of them.</summary>
    Letters,

    /// <summary>A character of <see cref="PairedScripts"/>.</summary>
    Paired,
}
