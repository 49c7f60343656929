namespace Moorcheh.Embeddings.Text;

/// <summary>A file of pieces, one a line, in the order of their ids.</summary>
internal static class Vocabulary
{
    /// <summary>Only line feeds end a piece: vocabularies may contain other characters that a reader takes for line ends.</summary>
    public static string[] Read(Stream content)
    {
        using var reader = new StreamReader(content);
        string[] lines = reader.ReadToEnd().Split('\n');
        if (lines[^1].Length == 0)
            lines = lines[..^1];
        return [.. lines.Select(line => line.TrimEnd('\r'))];
    }
}
