namespace Moorcheh.Artifacts;

/// <summary>Reads documents of some formats as text. Readers of texts, Markdown, CSV and JSON are built in; a host may add others.</summary>
public interface IDocumentReader
{
    /// <summary>Suffixes of the files it reads: lower case, with the dot.</summary>
    IReadOnlyCollection<string> Suffixes { get; }

    /// <summary>
    /// Reads a document. Called from several threads at once. The content comes from outside: time and memory must stay within
    /// bounds whatever it is.
    /// </summary>
    /// <param name="content">The bytes of the file.</param>
    /// <param name="cancellationToken">Cancelled when the text is not wanted any more.</param>
    /// <returns>The text.</returns>
    /// <exception cref="Exception">Any: the document cannot be read, and its ingest fails.</exception>
    string Read(ReadOnlyMemory<byte> content, CancellationToken cancellationToken);
}
