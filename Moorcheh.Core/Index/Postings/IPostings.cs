namespace Moorcheh.Index.Postings;

/// <summary>Which of the first slots of a segment have a term. Immutable as seen from outside; any number of threads may read it.</summary>
internal interface IPostings
{
    /// <summary>Slots covered: those below this number.</summary>
    int Count { get; }

    /// <summary>Words of the text of each slot; slots behind the end have none. No slots where nothing has a text.</summary>
    ReadOnlySpan<int> Lengths { get; }

    /// <summary>No text has a word more than 1 + 2^this times less one: how many <see cref="ItemTerms.CountBit"/> there are.</summary>
    int CountBits { get; }

    /// <summary>The slots of a term; none for a term that no slot has.</summary>
    SlotSet Find(ulong term);

    /// <summary>Clears the bits of slots that do not have the term, and those of slots not covered.</summary>
    /// <param name="term">A term of <see cref="ItemTerms"/>; one that no slot has clears the mask.</param>
    /// <param name="mask">A bit a slot, 64 to a word, the lowest first.</param>
    /// <returns>False when no bit is left.</returns>
    bool AndInto(ulong term, Span<ulong> mask);

    /// <summary>The same postings, packed. May run while a writer adds further slots.</summary>
    SealedPostings Pack();
}
