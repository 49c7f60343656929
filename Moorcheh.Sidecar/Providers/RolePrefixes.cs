namespace Moorcheh.Sidecar.Providers;

/// <summary>What stands before a text so that the model knows what it is for.</summary>
/// <param name="Query">Before a query.</param>
/// <param name="Document">Before a text that is stored.</param>
internal sealed record RolePrefixes(string Query, string Document)
{
    /// <summary>The setting that takes what the makers of the model say, where we know it.</summary>
    public const string Auto = "auto";

    /// <summary>The setting for no prefix.</summary>
    public const string None = "none";

    private const string Passages = "Represent this sentence for searching relevant passages: ";

    private static readonly RolePrefixes Nothing = new("", "");

    // By the name without its owner and tag. An entry is for ever: with another one, queries would no longer fit what is stored.
    private static readonly Dictionary<string, RolePrefixes> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["nomic-embed-text"] = new("search_query: ", "search_document: "),
        ["nomic-embed-text-v1"] = new("search_query: ", "search_document: "),
        ["nomic-embed-text-v1.5"] = new("search_query: ", "search_document: "),
        ["snowflake-arctic-embed"] = new(Passages, ""),
        ["mxbai-embed-large"] = new(Passages, ""),
        ["mxbai-embed-large-v1"] = new(Passages, ""),
    };

    /// <summary>Reads both settings.</summary>
    public static RolePrefixes Read(string query, string document, string model)
    {
        RolePrefixes known = Known.GetValueOrDefault(NameOf(model), Nothing);
        return new RolePrefixes(Read(query, known.Query), Read(document, known.Document));
    }

    private static string Read(string setting, string known) => setting switch
    {
        Auto => known,
        None => "",
        _ => setting,
    };

    private static string NameOf(string model) => model[(model.LastIndexOf('/') + 1)..].Split(':')[0];
}
