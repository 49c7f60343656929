using System.Text.Json.Nodes;

namespace Moorcheh.Embeddings.Folders;

/// <summary>What the configuration files of a model folder say; options go before them.</summary>
internal static class FolderSettings
{
    private const string Modules = "modules.json";
    private const string Pooling = "Pooling";

    // tokenizer_config.json says 1e30 for "not known".
    private const double LargestWindow = 1 << 20;

    private static readonly string[] SupportedModules = ["Transformer", Pooling, "Normalize"];

    /// <exception cref="InvalidDataException">A file cannot be read, or asks for what is not supported.</exception>
    public static ModelSettings Read(string directory, OnnxEmbeddingOptions options)
    {
        string poolingPath = "1_Pooling";
        string transformerPath = "";
        foreach ((string type, string path) in JsonFile.Read(Path.Combine(directory, Modules), ReadModules) ?? [])
        {
            if (!SupportedModules.Contains(type, StringComparer.Ordinal))
                throw new InvalidDataException($"The model folder '{directory}' has a module '{type}'; supported are {string.Join(", ", SupportedModules)}.");
            if (type == Pooling)
                poolingPath = path;
            if (type == "Transformer")
                transformerPath = path;
        }

        string transformer = Path.Combine(directory, transformerPath);
        string tokenizerConfiguration = Path.Combine(directory, "tokenizer_config.json");
        string sentenceConfiguration = Path.Combine(transformer, "sentence_bert_config.json");
        Dictionary<string, string> prompts = JsonFile.Read(Path.Combine(directory, "config_sentence_transformers.json"), Prompts) ?? [];
        int? window = JsonFile.Read(sentenceConfiguration, root => Window(root["max_seq_length"]))
            ?? JsonFile.Read(tokenizerConfiguration, root => Window(root["model_max_length"]));
        bool? lowerCase = JsonFile.Read(sentenceConfiguration, root => root["do_lower_case"]?.GetValue<bool>() == true ? true : (bool?)null)
            ?? JsonFile.Read(tokenizerConfiguration, root => root["do_lower_case"]?.GetValue<bool>())
            ?? JsonFile.Read(Path.Combine(directory, "tokenizer.json"), root => (root["normalizer"] as JsonObject)?["lowercase"]?.GetValue<bool>());
        string poolingFile = Path.Combine(directory, poolingPath, "config.json");
        OnnxPooling pooling = options.Pooling ?? JsonFile.Read(poolingFile, root => ReadPooling(root, poolingFile)) ?? OnnxPooling.Mean;
        return new ModelSettings(
            pooling,
            options.QueryPrefix ?? Prompt(prompts, "query"),
            options.DocumentPrefix ?? Prompt(prompts, "document", "passage", "corpus"),
            options.MaxTokens ?? window ?? OnnxEmbeddingOptions.DefaultMaxTokens,
            options.LowerCase ?? lowerCase ?? true);
    }

    private static List<(string Type, string Path)> ReadModules(JsonNode root) =>
        [.. root.AsArray().Select(module => (module!["type"]!.GetValue<string>().Split('.')[^1], module["path"]?.GetValue<string>() ?? ""))];

    /// <summary>The prompts by their names; the default one under the empty name too.</summary>
    private static Dictionary<string, string>? Prompts(JsonNode root)
    {
        if (root["prompts"] is not JsonObject prompts)
            return null;
        var found = prompts.ToDictionary(prompt => prompt.Key, prompt => prompt.Value!.GetValue<string>(), StringComparer.Ordinal);
        if (root["default_prompt_name"]?.GetValue<string>() is { } name && found.TryGetValue(name, out string? text))
            found[""] = text;
        return found;
    }

    /// <summary>The prompt of the first of these names, else the default prompt.</summary>
    private static string Prompt(Dictionary<string, string> prompts, params string[] names) =>
        names.Append("").Select(prompts.GetValueOrDefault).FirstOrDefault(text => text is not null) ?? "";

    private static int? Window(JsonNode? value) =>
        value is not null && value.GetValue<double>() is >= OnnxEmbeddingOptions.MinTokens and <= LargestWindow and var tokens ? (int)tokens : null;

    private static OnnxPooling? ReadPooling(JsonNode root, string path)
    {
        const string prefix = "pooling_mode_";
        List<string> modes = [.. root.AsObject()
            .Where(member => member.Key.StartsWith(prefix, StringComparison.Ordinal) && member.Value is JsonValue value && value.GetValue<bool>())
            .Select(member => member.Key[prefix.Length..])];
        if (root["pooling_mode"] is JsonValue named)
            modes.Add(named.GetValue<string>());
        if (root["include_prompt"]?.GetValue<bool>() == false)
            throw new InvalidDataException($"'{path}' leaves the prompt out of the pooling (include_prompt is false), which is not supported.");
        return modes switch
        {
            ["cls_token" or "cls"] => OnnxPooling.Cls,
            ["mean_tokens" or "mean" or "mean_sqrt_len_tokens"] => OnnxPooling.Mean,   // They differ in length only.
            ["max_tokens" or "max"] => OnnxPooling.Max,
            ["lasttoken"] => OnnxPooling.LastToken,
            [] => null,
            _ => throw new InvalidDataException($"'{path}' asks for the pooling {string.Join(" + ", modes)}; supported is one of cls, mean, max and lasttoken."),
        };
    }
}
