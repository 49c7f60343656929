using FASTER.core;

namespace Moorcheh.Storage;

/// <summary>
/// How FASTER reads and writes records. The numbers that go with reads are their positions among those that are under way together.
/// </summary>
internal sealed class RecordFunctions : SpanByteFunctions<SpanByte, RecordCopy, int>
{
    public override bool SingleReader(ref SpanByte key, ref SpanByte input, ref SpanByte value, ref RecordCopy output, ref ReadInfo readInfo)
    {
        output.Take(value.AsReadOnlySpan());
        return true;
    }

    public override bool ConcurrentReader(ref SpanByte key, ref SpanByte input, ref SpanByte value, ref RecordCopy output, ref ReadInfo readInfo)
    {
        output.Take(value.AsReadOnlySpan());
        return true;
    }
}
