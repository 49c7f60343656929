using System.Globalization;
using System.Text;

namespace Moorcheh.Embeddings.Text;

/// <summary>The Unicode data behind <see cref="UnicodeNormalizer"/>, read once from the embedded NormalizationData.txt.</summary>
internal sealed class NormalizationTables
{
    private const string ResourceName = "Moorcheh.Embeddings.NormalizationData.txt";

    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<int, byte> _classes = [];
    private readonly Dictionary<(int First, int Second), int> _compositions = [];

    private NormalizationTables()
    {
        var decompositions = new Dictionary<int, (bool Canonical, int[] To)>();
        var excluded = new HashSet<int>();
        using Stream stream = typeof(NormalizationTables).Assembly.GetManifestResourceStream(ResourceName)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            string[] fields = line.Split(';');
            if (fields[0] == "X")
                Exclude(excluded, fields[1]);
            else
                ReadCodePoint(fields, decompositions);
        }

        foreach ((int codePoint, (bool canonical, int[] to)) in decompositions)
        {
            _compatible.Add(codePoint, Expand(to, decompositions, canonicalOnly: false));
            if (!canonical)
                continue;
            _canonical.Add(codePoint, Expand(to, decompositions, canonicalOnly: true));
            if (to.Length == 2 && !excluded.Contains(codePoint))
                _compositions.Add((to[0], to[1]), codePoint);
        }
    }

    public static NormalizationTables Instance { get; } = new();

    /// <summary>The full decomposition of a code point, or null when it stands for itself. Hangul syllables are not listed.</summary>
    public int[]? Decomposition(int codePoint, bool compatibility) =>
        (compatibility ? _compatible : _canonical).GetValueOrDefault(codePoint);

    /// <summary>The canonical combining class, 0 for a starter.</summary>
    public int CombiningClass(int codePoint) => codePoint < 0x300 ? 0 : _classes.GetValueOrDefault(codePoint);

    public bool TryCompose(int first, int second, out int composed) => _compositions.TryGetValue((first, second), out composed);

    private static void Exclude(HashSet<int> excluded, string range)
    {
        string[] ends = range.Split("..");
        for (int codePoint = Hex(ends[0]); codePoint <= Hex(ends[^1]); codePoint++)
            excluded.Add(codePoint);
    }

    private void ReadCodePoint(string[] fields, Dictionary<int, (bool Canonical, int[] To)> decompositions)
    {
        int codePoint = Hex(fields[0]);
        if (fields[1] != "0")
            _classes.Add(codePoint, byte.Parse(fields[1], CultureInfo.InvariantCulture));
        if (fields[2].Length == 0)
            return;
        string[] parts = fields[2].Split(' ');
        bool canonical = parts[0][0] != '<';
        decompositions.Add(codePoint, (canonical, [.. (canonical ? parts : parts[1..]).Select(Hex)]));
    }

    private static int[] Expand(int[] to, Dictionary<int, (bool Canonical, int[] To)> decompositions, bool canonicalOnly)
    {
        var full = new List<int>();
        foreach (int part in to)
        {
            if (decompositions.TryGetValue(part, out (bool Canonical, int[] To) next) && (next.Canonical || !canonicalOnly))
                full.AddRange(Expand(next.To, decompositions, canonicalOnly));
            else
                full.Add(part);
        }
        return [.. full];
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
