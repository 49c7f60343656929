using Moorcheh.Index.Postings;

namespace Moorcheh.Index;

/// <summary>What a sealed segment consists of, besides its centre; shapes as in <see cref="SegmentView"/>.</summary>
/// <param name="Count">Slots, dead ones included.</param>
/// <param name="Codes">One-bit codes of all blocks.</param>
/// <param name="Factors">Their factors.</param>
/// <param name="Live">One bit a slot.</param>
/// <param name="FirstRecord">What the offsets count from.</param>
/// <param name="RecordOffsets">One a slot.</param>
/// <param name="IdEnds">One a slot.</param>
/// <param name="Ids">All ids.</param>
/// <param name="Postings">What filters look for.</param>
/// <param name="Values">What conditions on metadata look for.</param>
/// <param name="Rows">The eight-bit tier.</param>
internal sealed record SegmentParts(
    int Count,
    byte[] Codes,
    float[] Factors,
    ulong[] Live,
    long FirstRecord,
    int[] RecordOffsets,
    int[] IdEnds,
    byte[] Ids,
    SealedPostings Postings,
    ValueRun Values,
    IByteRows Rows);
