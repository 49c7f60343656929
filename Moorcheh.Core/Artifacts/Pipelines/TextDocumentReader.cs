using System.Text;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Reads texts, Markdown, CSV and JSON as they are: UTF-8, without a byte order mark.</summary>
internal sealed class TextDocumentReader : IDocumentReader
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static TextDocumentReader Instance { get; } = new();

    public IReadOnlyCollection<string> Suffixes { get; } = [".txt", ".md", ".csv", ".json"];

    public string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ReadOnlySpan<byte> bytes = content.Span;
        return Strict.GetString(bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes);
    }
}
