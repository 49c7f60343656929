using System.Buffers;
using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>JSON that goes on its way in pieces while it is written.</summary>
internal sealed class JsonStream(Utf8JsonWriter writer, ArrayBufferWriter<byte> buffer, Func<ReadOnlyMemory<byte>, ValueTask> send)
{
    /// <summary>What is written is sent when it has as many bytes.</summary>
    public const int PieceBytes = 64 << 10;

    // Long texts and metadata are written in parts of so many bytes; escaped they can be six times as long.
    private const int PartBytes = 8 << 10;

    /// <summary>Call <see cref="FlushAsync"/> now and then after using it.</summary>
    public Utf8JsonWriter Writer => writer;

    /// <summary>Sends what is written when it makes a piece.</summary>
    public ValueTask FlushAsync() => buffer.WrittenCount + writer.BytesPending < PieceBytes ? default : SendAsync();

    /// <summary>Writes a string value.</summary>
    public async ValueTask WriteTextAsync(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Length <= PartBytes)
        {
            writer.WriteStringValue(utf8.Span);
            return;
        }

        await WritePartsAsync(utf8);
        EndText();
    }

    /// <summary>Writes a part of a string value; <see cref="EndText"/> ends it.</summary>
    public async ValueTask WritePartsAsync(ReadOnlyMemory<byte> utf8)
    {
        for (int start = 0; start < utf8.Length; start += PartBytes)
        {
            writer.WriteStringValueSegment(utf8.Span.Slice(start, Math.Min(PartBytes, utf8.Length - start)), isFinalSegment: false);
            await FlushAsync();
        }
    }

    public void EndText() => writer.WriteStringValueSegment(ReadOnlySpan<byte>.Empty, isFinalSegment: true);

    private async ValueTask SendAsync()
    {
        writer.Flush();
        await send(buffer.WrittenMemory);
        buffer.ResetWrittenCount();
    }
}
