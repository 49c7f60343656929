using System.Text.Json;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary>The fields <c>mode</c> and <c>keyword_weight</c> of a search.</summary>
internal static class SearchModeField
{
    /// <summary>Reads the mode; semantic when absent, the only one for vectors.</summary>
    public static SearchMode ReadMode(JsonElement root, bool isText)
    {
        SearchMode mode = root.FindString("mode") switch
        {
            null or "semantic" => SearchMode.Semantic,
            "keyword" => SearchMode.Keyword,
            "hybrid" => SearchMode.Hybrid,
            _ => throw new MoorchehException(
                ErrorCodes.OutOfRange, $"Field 'mode' must be 'semantic', 'keyword' or 'hybrid', not {root.GetProperty("mode").Quote()}."),
        };
        return isText || mode == SearchMode.Semantic
            ? mode
            : throw new MoorchehException(
                ErrorCodes.OutOfRange, $"Field 'mode' must be 'semantic' for a query of numbers, not {root.GetProperty("mode").Quote()}.");
    }

    /// <summary>Reads the weight of the words in a hybrid search.</summary>
    public static double ReadWeight(JsonElement root) => root.FindNumber("keyword_weight") switch
    {
        null => SearchRequest.DefaultKeywordWeight,
        >= 0 and <= 1 and var legal => legal,
        _ => throw new MoorchehException(
            ErrorCodes.OutOfRange, $"Field 'keyword_weight' must be between 0 and 1, not {root.GetProperty("keyword_weight").Quote()}."),
    };
}
