using System.Text;
using Microsoft.Extensions.AI;

namespace Moorcheh;

/// <summary>How texts become vectors; part of <see cref="MoorchehOptions"/>.</summary>
public sealed class EmbeddingOptions
{
    /// <summary>
    /// The key of <see cref="EmbeddingGenerationOptions.AdditionalProperties"/> that tells a <see cref="Generator"/> what a text is for:
    /// <c>query</c> for the text of a search, <c>document</c> for a text that is stored. Each call has texts of one role.
    /// </summary>
    public const string InputTypeProperty = "input_type";

    /// <summary>Makes the vectors of text namespaces. Null (default): text namespaces can be created, but nothing can be embedded. The store does not dispose it.
    /// It gets the role of the texts in <see cref="InputTypeProperty"/>.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? Generator { get; set; }

    /// <summary>Counts the tokens of a text as the generator does. Default: 4 UTF-8 bytes count as one token, rounded up. Called from several threads.</summary>
    public Func<string, int> CountTokens { get; set; } = text => (Encoding.UTF8.GetByteCount(text) + 3) / 4;

    /// <summary>Most texts given to the generator in one call, 1 to 10,000; 64 by default.</summary>
    public int BatchItems { get; set; } = 64;

    /// <summary>Tries of a call that fails, 1 or more; 3 by default. Pauses of 0.5 s, 1 s, 2 s and so on are between them.</summary>
    public int Attempts { get; set; } = 3;

    /// <summary>The longest that one call may take, from a second to 24 days; 5 minutes by default. One that takes longer counts as failed.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(5);

    internal void Validate()
    {
        OptionRule.Set("Embedding.CountTokens", CountTokens);
        OptionRule.InRange("Embedding.BatchItems", BatchItems, 1, 10_000);
        OptionRule.AtLeast("Embedding.Attempts", Attempts, 1);
        OptionRule.InRange("Embedding.Timeout", Timeout, TimeSpan.FromSeconds(1), OptionRule.LongestTimer);
    }
}
