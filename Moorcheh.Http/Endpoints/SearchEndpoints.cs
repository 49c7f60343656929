using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Endpoints;

/// <summary><c>POST /search</c>.</summary>
internal sealed class SearchEndpoints(StoreAccess access)
{
    public void Map(RouteTable routes) => routes.Post("/search", SearchAsync, new RouteRules { IsSearch = true });

    private async Task<StreamAnswer> SearchAsync(HttpContext http)
    {
        SearchRequest request;
        TimeSpan parsing;
        using (RequestBody body = await RequestBody.ReadAsync(http, RequestBody.MaxSmallBytes))
        {
            long start = Stopwatch.GetTimestamp();
            using JsonDocument document = body.Parse();
            request = Read(document.Root());
            parsing = Stopwatch.GetElapsedTime(start);
        }

        MoorchehStore store = access.Store;
        return await StreamAnswer.FindAsync(
            http,
            store,
            async items =>
            {
                SearchResult found = await store.SearchAsync(request, items, http.RequestAborted);
                return stream => WriteAsync(stream, found, items, parsing);
            },
            isBounded: false);
    }

    private static async ValueTask WriteAsync(JsonStream stream, SearchResult found, PinnedItems items, TimeSpan parsing)
    {
        Utf8JsonWriter writer = stream.Writer;
        writer.WriteStartObject();
        writer.WriteStartArray("results"u8);
        for (int i = 0; i < found.Hits.Count; i++)
        {
            StoredItem item = await items.ReadAsync(i);
            WriteHit(writer, found.Hits[i], item);
            await stream.WriteTextAsync(item.Text ?? default);
            writer.WriteEndObject();
            await stream.FlushAsync();
        }

        writer.WriteEndArray();
        SearchTimings timings = found.Timings;
        decimal total = Wire.Seconds(parsing + timings.Total);
        writer.WriteNumber("execution_time"u8, total);
        writer.WritePropertyName("timings"u8);
        var entry = new TimingsEntry(
            ParseValidate: Wire.Seconds(parsing),
            PrepareVector: Wire.Seconds(timings.PrepareVector),
            FetchData: Wire.Seconds(timings.FetchData),
            CalculateDistance: Wire.Seconds(timings.CalculateDistance),
            SelectCandidates: Wire.Seconds(timings.SelectCandidates),
            CalculateScores: Wire.Seconds(timings.CalculateScores),
            Reorder: Wire.Six(0),
            FormatResponse: Wire.Six(0),
            Total: total);
        JsonSerializer.Serialize(writer, entry, WireJson.Default.TimingsEntry);
        writer.WriteEndObject();
    }

    /// <summary>Writes a hit up to its text.</summary>
    private static void WriteHit(Utf8JsonWriter writer, SearchHit hit, StoredItem item)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, item.Id.Span);
        writer.WriteString("namespace"u8, hit.Namespace);
        writer.WriteNumber("score"u8, Wire.Six(hit.Score));
        if (hit.Label.Length > 0)
        {
            writer.WriteString("label"u8, hit.Label);
        }
        else
        {
            writer.WriteNull("label"u8);
        }

        if (hit.KeywordScore is { } keywordScore)
        {
            WriteWords(writer, hit, keywordScore);
        }

        ItemJson.WriteMetadata(writer, item);
        writer.WritePropertyName("text"u8);
    }

    /// <summary>Writes what only keyword and hybrid searches tell.</summary>
    private static void WriteWords(Utf8JsonWriter writer, SearchHit hit, double keywordScore)
    {
        writer.WritePropertyName("semantic_score"u8);
        if (hit.SemanticScore is { } semanticScore)
        {
            writer.WriteNumberValue(Wire.Six(semanticScore));
        }
        else
        {
            writer.WriteNullValue();
        }

        writer.WriteNumber("keyword_score"u8, Wire.Six(keywordScore));
        writer.WriteStartArray("matched_words"u8);
        foreach (string word in hit.MatchedWords)
        {
            writer.WriteStringValue(word);
        }

        writer.WriteEndArray();
    }

    /// <summary>Reads the fields in the order of their description, because the first mistake is the one that is answered.</summary>
    private static SearchRequest Read(JsonElement root)
    {
        JsonElement query = root.Find("query") ?? throw RequestErrors.MissingField("query");
        string? text = null;
        float[]? vector = null;
        switch (query.ValueKind)
        {
            case JsonValueKind.String:
                text = ReadText(query);
                break;
            case JsonValueKind.Array:
                vector = ReadVector(query);
                break;
            default:
                throw RequestErrors.WrongType("Field 'query'", "a string or an array of numbers", RequestErrors.KindOf(query.ValueKind));
        }

        List<string> namespaces = root.GetStrings(
            "namespaces", SearchRequest.MaxNamespaces, ErrorCodes.TooManyNamespaces, "Namespace name");
        int topK = (int)Math.Clamp(root.FindNumber("top_k") ?? SearchRequest.DefaultTopK, 1, SearchRequest.MaxTopK);
        double? threshold = ReadThreshold(root);
        bool isKiosk = root.FindFlag("kiosk_mode");
        if (isKiosk && threshold is null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, "Field 'threshold' is required when 'kiosk_mode' is true.");
        }

        ItemMetadata? metadata = root.Find("metadata", JsonValueKind.Object, "an object") is { } wanted ? ItemMetadata.FromElement(wanted) : null;
        Filter? filter = root.FindFilter();
        double? minimum = isKiosk ? threshold : null;
        SearchMode mode = SearchModeField.ReadMode(root, isText: text is not null);
        double weight = SearchModeField.ReadWeight(root);
        return text is null
            ? new SearchRequest(namespaces, vector.AsMemory()) { TopK = topK, MinimumScore = minimum, Metadata = metadata, Filter = filter }
            : new SearchRequest(namespaces, text)
            {
                TopK = topK,
                MinimumScore = minimum,
                Metadata = metadata,
                Filter = filter,
                Mode = mode,
                KeywordWeight = weight,
            };
    }

    private static string ReadText(JsonElement query)
    {
        string text = query.GetString()!;
        if (string.IsNullOrWhiteSpace(text))
        {
            throw RequestErrors.EmptyField("query");
        }

        int bytes = Encoding.UTF8.GetByteCount(text);
        return bytes <= SearchRequest.MaxQueryBytes
            ? text
            : throw new MoorchehException(
                ErrorCodes.QueryTooLong, $"Field 'query' has {bytes} bytes; the limit is {SearchRequest.MaxQueryBytes}.");
    }

    private static float[] ReadVector(JsonElement query)
    {
        float[] vector = new float[query.GetArrayLength()];
        int count = 0;
        foreach (JsonElement value in query.EnumerateArray())
        {
            if (value.ValueKind != JsonValueKind.Number)
            {
                throw RequestErrors.WrongType($"Query value {count}", "a number", RequestErrors.KindOf(value.ValueKind));
            }

            if (!value.TryGetSingle(out vector[count]) || !float.IsFinite(vector[count]))
            {
                throw new MoorchehException(ErrorCodes.NonFiniteValue, $"Query value {count} is not a finite number.");
            }

            count++;
        }

        return count > 0 ? vector : throw RequestErrors.EmptyField("query");
    }

    private static double? ReadThreshold(JsonElement root) => root.FindNumber("threshold") switch
    {
        null => null,
        >= 0 and <= 1 and var legal => legal,
        _ => throw new MoorchehException(
            ErrorCodes.OutOfRange, $"Field 'threshold' must be between 0 and 1, not {root.GetProperty("threshold").Quote()}."),
    };
}
