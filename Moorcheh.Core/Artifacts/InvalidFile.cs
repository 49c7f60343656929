namespace Moorcheh.Artifacts;

/// <summary>Why a document cannot become an artifact, and how that reads as an error.</summary>
public static class InvalidFile
{
    private const string Before = "InvalidFileError(errors=['";
    private const string After = "'], warnings=[])";

    /// <summary>The document is empty, or too large to be fetched.</summary>
    public const string Size = "invalid_file_size";

    /// <summary>The file name has no suffix, or one that no <see cref="IDocumentReader"/> reads.</summary>
    public const string Extension = "invalid_file_extension";

    /// <summary>A text that is not UTF-8, or a file that its reader gave up.</summary>
    public const string Malformed = "malformed_file";

    /// <summary>There is nothing but blanks in it.</summary>
    public const string NoNodes = "no_valid_nodes";

    /// <summary>It has more chunks than <see cref="ArtifactOptions.MaxChunks"/>.</summary>
    public const string TooManyNodes = "exceeds_max_nodes";

    /// <summary>The error for a reason.</summary>
    /// <param name="reason">One of the constants here.</param>
    /// <param name="cause">What a reader threw, if any.</param>
    public static MoorchehException Create(string reason, Exception? cause = null) =>
        new(ErrorCodes.InvalidFile, $"{Before}zpgt.ingest.{reason}.error{After}", cause);

    /// <summary>The bare code in the message of such an error; null when somebody else worded it.</summary>
    internal static string? CodeOf(string message) =>
        message.StartsWith(Before, StringComparison.Ordinal) && message.EndsWith(After, StringComparison.Ordinal)
            ? message[Before.Length..^After.Length]
            : null;
}
