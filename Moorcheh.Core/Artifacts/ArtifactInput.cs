using System.Text;

namespace Moorcheh.Artifacts;

/// <summary>What an ingest reads: a text, the bytes of a file, or an address to fetch it from. Immutable.</summary>
public sealed class ArtifactInput
{
    internal const string TextName = "text_content.txt";

    private ArtifactInput(ArtifactInputKind kind, ReadOnlyMemory<byte> content, string fileName)
    {
        Kind = kind;
        Content = content;
        FileName = fileName;
    }

    /// <summary>Which of the three it is.</summary>
    public ArtifactInputKind Kind { get; }

    /// <summary>The text or the address as UTF-8, or the bytes of the file.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>Name of the file when the metadata's <c>file_name</c> has no suffix.</summary>
    public string FileName { get; }

    /// <summary>A text; it is read as text whatever its file name.</summary>
    public static ArtifactInput FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new ArtifactInput(ArtifactInputKind.Text, Encoding.UTF8.GetBytes(text), TextName);
    }

    /// <summary>A file. The suffix of its name decides which <see cref="IDocumentReader"/> reads it.</summary>
    /// <param name="content">Its bytes; not copied, so leave them as they are until the call that takes them has returned.</param>
    /// <param name="fileName">Its name when the metadata has none.</param>
    public static ArtifactInput FromFile(ReadOnlyMemory<byte> content, string fileName = "uploaded_file")
    {
        ArgumentNullException.ThrowIfNull(fileName);
        return new ArtifactInput(ArtifactInputKind.File, content, fileName);
    }

    /// <summary>An address that <see cref="ArtifactOptions.UriReader"/> fetches when it is the ingest's turn.</summary>
    public static ArtifactInput FromUri(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        string name = Uri.UnescapeDataString(address.IsAbsoluteUri ? address.Segments[^1] : string.Empty).Trim('/');
        return new ArtifactInput(ArtifactInputKind.Uri, Encoding.UTF8.GetBytes(address.OriginalString), name.Length > 0 ? name : "downloaded_file");
    }
}
