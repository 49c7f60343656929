using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings.Folders;

/// <summary>The file of Hugging Face's tokenizers, which the package does not read: the parts it takes are made from it.</summary>
internal static class TokenizerJson
{
    // GPT-2's words, which ByteLevel means where it has no expression of its own.
    private const string Gpt2Words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <exception cref="InvalidDataException">The file describes a tokenizer of another kind.</exception>
    public static ITokenizer Create(JsonNode root, bool lowerCase, SpecialTokens names, string path)
    {
        JsonObject model = root["model"]!.AsObject();
        string kind = model["type"]?.GetValue<string>() ?? "BPE";
        return kind switch
        {
            "WordPiece" => WordPiece(model, lowerCase, names),
            "BPE" => Bpe(root, model, path),
            _ => throw new InvalidDataException(
                $"'{path}' describes a tokenizer of type {kind}; WordPiece and byte-level BPE are read from this file, SentencePiece from its *.model file."),
        };
    }

    private static BertTextTokenizer WordPiece(JsonObject model, bool lowerCase, SpecialTokens names)
    {
        KeyValuePair<string, int>[] pieces = [.. Pieces(model).OrderBy(piece => piece.Value)];
        for (int id = 0; id < pieces.Length; id++)
        {
            if (pieces[id].Value != id)
                throw new InvalidDataException($"The vocabulary of tokenizer.json has no piece of id {id}.");
        }
        return BertTextTokenizer.Create([.. pieces.Select(piece => piece.Key)], lowerCase, names);
    }

    private static BpeTextTokenizer Bpe(JsonNode root, JsonObject model, string path)
    {
        Dictionary<string, int> vocabulary = Pieces(model);
        foreach (JsonNode? added in root["added_tokens"] as JsonArray ?? [])
            vocabulary[added!["content"]!.GetValue<string>()] = added["id"]!.GetValue<int>();
        var options = new BpeOptions(vocabulary)
        {
            Merges = [.. model["merges"]!.AsArray().Select(Merge)],
            ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(Words(root["pre_tokenizer"], path), null),
        };
        (int? start, int? end) = Enclosing(root["post_processor"], vocabulary, path);
        return new BpeTextTokenizer(BpeTokenizer.Create(options), vocabulary.Values.Max() + 1, start, end);
    }

    private static Dictionary<string, int> Pieces(JsonObject model) =>
        model["vocab"]!.AsObject().ToDictionary(piece => piece.Key, piece => piece.Value!.GetValue<int>(), StringComparer.Ordinal);

    /// <summary>Two pieces, as a text with a blank between them or as a list.</summary>
    private static string Merge(JsonNode? merge) =>
        merge is JsonArray pair ? $"{pair[0]!.GetValue<string>()} {pair[1]!.GetValue<string>()}" : merge!.GetValue<string>();

    private static Regex Words(JsonNode? step, string path)
    {
        JsonNode?[] steps = step?["type"]?.GetValue<string>() == "Sequence" ? [.. step["pretokenizers"]!.AsArray()] : [step];
        if (steps[^1]?["type"]?.GetValue<string>() != "ByteLevel")
            throw new InvalidDataException($"'{path}' describes a BPE tokenizer that is not byte-level, which is not supported.");
        string? split = steps.Where(one => one!["type"]!.GetValue<string>() == "Split").Select(one => one!["pattern"]?["Regex"]?.GetValue<string>()).FirstOrDefault();
        return new Regex(split ?? Gpt2Words, RegexOptions.CultureInvariant | RegexOptions.Compiled);
    }

    /// <summary>The tokens before and after each text.</summary>
    private static (int? Start, int? End) Enclosing(JsonNode? processor, Dictionary<string, int> vocabulary, string path)
    {
        JsonNode?[] steps = processor?["type"]?.GetValue<string>() == "Sequence" ? [.. processor["processors"]!.AsArray()] : [processor];
        foreach (JsonNode? step in steps)
        {
            switch (step?["type"]?.GetValue<string>())
            {
                case "RobertaProcessing" or "BertProcessing":
                    return (step["cls"]![1]!.GetValue<int>(), step["sep"]![1]!.GetValue<int>());
                case "TemplateProcessing":
                    JsonNode?[] parts = [.. step["single"]!.AsArray()];
                    int text = Array.FindIndex(parts, part => part!["Sequence"] is not null);
                    if (text is not (0 or 1) || parts.Length - text > 2)
                        throw new InvalidDataException($"'{path}' puts {parts.Length - 1} tokens around a text; one before and one after it are supported.");
                    return (text == 1 ? Id(parts[0]) : null, parts.Length - text == 2 ? Id(parts[^1]) : null);
            }
        }
        return (null, null);

        int Id(JsonNode? part) => vocabulary[part!["SpecialToken"]!["id"]!.GetValue<string>()];
    }
}
