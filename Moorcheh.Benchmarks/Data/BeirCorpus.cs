using System.Globalization;
using System.Text.Json;

namespace Moorcheh.Benchmarks.Data;

/// <summary>
/// A labelled collection in the layout of BEIR: <c>corpus.jsonl</c> and <c>queries.jsonl</c> with <c>_id</c>, <c>title</c> (optional) and
/// <c>text</c> on each line; <c>qrels.tsv</c> or <c>qrels/test.tsv</c> with the head <c>query-id corpus-id score</c>.
/// </summary>
internal sealed class BeirCorpus
{
    private BeirCorpus(
        IReadOnlyList<KeyValuePair<string, string>> documents,
        IReadOnlyList<KeyValuePair<string, string>> queries,
        IReadOnlyDictionary<string, Dictionary<string, int>> judgements)
    {
        Documents = documents;
        Queries = queries;
        Judgements = judgements;
    }

    /// <summary>Id and text of each document; a title stands before the text, with a blank between them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Documents { get; }

    /// <summary>Id and text of the queries that have a judgement.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Queries { get; }

    /// <summary>Grades by query id, then document id.</summary>
    public IReadOnlyDictionary<string, Dictionary<string, int>> Judgements { get; }

    /// <exception cref="InvalidDataException">A file is not as the layout says; the message names the file and the line.</exception>
    public static BeirCorpus Read(string directory)
    {
        string flat = Path.Combine(directory, "qrels.tsv");
        Dictionary<string, Dictionary<string, int>> judgements = ReadJudgements(
            File.Exists(flat) ? flat : Path.Combine(directory, "qrels", "test.tsv"));
        List<KeyValuePair<string, string>> documents = ReadLines(Path.Combine(directory, "corpus.jsonl"));
        List<KeyValuePair<string, string>> queries = ReadLines(Path.Combine(directory, "queries.jsonl"));
        return new BeirCorpus(documents, [.. queries.Where(query => judgements.ContainsKey(query.Key))], judgements);
    }

    private static List<KeyValuePair<string, string>> ReadLines(string path)
    {
        List<KeyValuePair<string, string>> lines = [];
        foreach (string line in File.ReadLines(path).Where(line => line.Length > 0))
        {
            using JsonDocument parsed = JsonDocument.Parse(line);
            JsonElement root = parsed.RootElement;
            if (!root.TryGetProperty("_id", out JsonElement id) || !root.TryGetProperty("text", out JsonElement text))
                throw new InvalidDataException($"{path}, entry {lines.Count + 1}: '_id' and 'text' are needed.");

            string title = root.TryGetProperty("title", out JsonElement found) ? found.GetString() ?? string.Empty : string.Empty;
            lines.Add(new(id.GetString()!, title.Length == 0 ? text.GetString()! : $"{title} {text.GetString()}"));
        }

        return lines;
    }

    private static Dictionary<string, Dictionary<string, int>> ReadJudgements(string path)
    {
        Dictionary<string, Dictionary<string, int>> judgements = [];
        foreach ((int number, string line) in File.ReadLines(path).Index().Skip(1).Where(line => line.Item.Length > 0))
        {
            if (line.Split('\t') is not [string query, string document, string text]
                || !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int grade))
            {
                throw new InvalidDataException($"{path}, line {number + 1}: '{line}' is not query id, document id and a whole grade with tabs between them.");
            }

            if (!judgements.TryGetValue(query, out Dictionary<string, int>? grades))
                judgements.Add(query, grades = []);

            grades[document] = grade;
        }

        return judgements;
    }
}
