using System.Globalization;
using System.Text.Json.Nodes;
using Moorcheh.Embeddings.Text;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Embeddings;

/// <summary>
/// The invariant: tokens do not depend on the host's globalization. A child process runs in each mode, because the mode is that of a whole
/// process; <see cref="string.Normalize()"/> tells whether a child is in the mode it should be in.
/// </summary>
[CancelAfter(120_000)]
internal sealed class TokensOfHostTests
{
    public const string Child = "tokens-of-host";

    private const string Composed = "Cr\u00E8me br\u00FBl\u00E9e, \u00C5ngstr\u00F6m, \uD55C\uAD6D\uC5B4";
    private const string Combining = "Cre\u0300me bru\u0302le\u0301e, A\u030Angstro\u0308m, \u1112\u1161\u11AB\u1100\u116E\u11A8\u110B\u1165";
    private const string FullWidth = "\uFF26\uFF55\uFF4C\uFF4C \uFF11\uFF12 \u0130stanbul \u1E9E \u03A3\u03B9 \uD835\uDC00 e\u0327\u0301 e\u0301\u0327";

    [Test]
    public async Task Encode_InvariantAndIcuMode_GivesTheSameTokens()
    {
        using var directory = new TemporaryDirectory();
        string invariant = await RunAsync(directory, isInvariant: true);
        string icu = await RunAsync(directory, isInvariant: false);

        Assert.That(invariant.Split('\n')[0], Is.EqualTo("invariant"));
        Assert.That(icu.Split('\n')[0], Is.EqualTo("icu"));
        Assert.That(icu.Split('\n')[1..], Is.EqualTo(invariant.Split('\n')[1..]));
    }

    [Test]
    public void Encode_ComposedAndCombining_GivesTheTokensWithoutAccents()
    {
        BertTextTokenizer tokenizer = BuiltInTokenizer.Load();

        // Accents go, as in the uncased models of BERT.
        Assert.That(tokenizer.Encode("Cr\u00E8me br\u00FBl\u00E9e"), Is.EqualTo(tokenizer.Encode("creme brulee")));
        Assert.That(tokenizer.Encode(Combining), Is.EqualTo(tokenizer.Encode(Composed)));
    }

    /// <summary>The child: the mode, and the tokens of each text.</summary>
    public static string Describe()
    {
        BertTextTokenizer tokenizer = BuiltInTokenizer.Load();
        string mode = "e\u0301".Normalize().Length == 1 ? "icu" : "invariant";
        return string.Join('\n', new[] { Composed, Combining, FullWidth }
            .Select(text => string.Join(' ', tokenizer.Encode(text).Select(id => id.ToString(CultureInfo.InvariantCulture)))).Prepend(mode));
    }

    private static async Task<string> RunAsync(TemporaryDirectory directory, bool isInvariant)
    {
        JsonNode configuration = JsonNode.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(typeof(TokensOfHostTests).Assembly.Location, "runtimeconfig.json")))!;
        configuration["runtimeOptions"]!["configProperties"]!["System.Globalization.Invariant"] = isInvariant;
        string path = Path.Combine(directory.Path, $"{isInvariant}.runtimeconfig.json");
        await File.WriteAllTextAsync(path, configuration.ToJsonString());
        return (await ChildProcess.RunConfiguredAsync(path, Child)).ReplaceLineEndings("\n");
    }
}
