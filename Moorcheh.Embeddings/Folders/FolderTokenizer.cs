using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Embeddings.Folders;

/// <summary>The tokenizer of a model folder: vocab.txt (WordPiece), *.model (SentencePiece) or tokenizer.json (WordPiece, byte-level BPE).</summary>
internal static class FolderTokenizer
{
    /// <exception cref="FileNotFoundException">None of the files is there.</exception>
    /// <exception cref="InvalidDataException">The file cannot be read, or is of another kind.</exception>
    public static (ITokenizer Tokenizer, string File) Load(string directory, bool lowerCase)
    {
        string vocabulary = Path.Combine(directory, "vocab.txt");
        if (File.Exists(vocabulary))
        {
            using FileStream content = File.OpenRead(vocabulary);
            return (BertTextTokenizer.Create(Vocabulary.Read(content), lowerCase, Names(directory)), vocabulary);
        }
        if (Directory.EnumerateFiles(directory, "*.model").Order(StringComparer.Ordinal).FirstOrDefault() is { } pieces)
            return (SentencePiece(directory, pieces), pieces);

        string json = Path.Combine(directory, "tokenizer.json");
        ITokenizer tokenizer = JsonFile.Read(json, root => TokenizerJson.Create(root, lowerCase, Names(directory), json))
            ?? throw ModelFolder.Missing(directory, "vocab.txt");
        return (tokenizer, json);
    }

    /// <summary>What the configuration calls the special tokens, BERT's names where it is silent.</summary>
    private static SpecialTokens Names(string directory)
    {
        SpecialTokens bert = SpecialTokens.Bert;
        return Read("tokenizer_config.json") ?? Read("special_tokens_map.json") ?? bert;

        SpecialTokens? Read(string file) => JsonFile.Read(Path.Combine(directory, file), root => root["cls_token"] is null
            ? null
            : new SpecialTokens(
                Name(root["unk_token"]) ?? bert.Unknown, Name(root["cls_token"]) ?? bert.Start, Name(root["sep_token"]) ?? bert.End,
                Name(root["pad_token"]) ?? bert.Padding, Name(root["mask_token"]) ?? bert.Mask));
    }

    /// <summary>A name, or an object with it as its content.</summary>
    private static string? Name(JsonNode? token) => (token is JsonObject added ? added["content"] : token)?.GetValue<string>();

    private static SentencePieceTextTokenizer SentencePiece(string directory, string path)
    {
        // Both classes have the ids of fairseq, which are not those of the file.
        string? kind = JsonFile.Read(Path.Combine(directory, "tokenizer_config.json"), root => root["tokenizer_class"]?.GetValue<string>());
        bool isXlmRoberta = kind?.StartsWith("XLMRobertaTokenizer", StringComparison.Ordinal) == true;
        bool hasStart = JsonFile.Read(Path.Combine(directory, "tokenizer_config.json"), root => root["add_bos_token"]?.GetValue<bool>()) ?? false;
        bool hasEnd = JsonFile.Read(Path.Combine(directory, "tokenizer_config.json"), root => root["add_eos_token"]?.GetValue<bool>())
            ?? kind?.StartsWith("T5", StringComparison.Ordinal) == true;
        try
        {
            using FileStream content = File.OpenRead(path);
            return new SentencePieceTextTokenizer(SentencePieceTokenizer.Create(content, hasStart, hasEnd), isXlmRoberta);
        }
        catch (Exception exception) when (exception is not (OutOfMemoryException or IOException))
        {
            throw new InvalidDataException($"'{path}' cannot be read as a SentencePiece model: {exception.Message}", exception);
        }
    }
}
