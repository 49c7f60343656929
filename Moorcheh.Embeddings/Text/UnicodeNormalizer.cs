using System.Text;

namespace Moorcheh.Embeddings.Text;

/// <summary>
/// Unicode normalization with our own tables. <see cref="string.Normalize()"/> depends on the host: it leaves text as it is where
/// globalization is invariant, and throws on lone surrogates. Here the same text gives the same tokens, and so the same vector, everywhere.
/// </summary>
internal static class UnicodeNormalizer
{
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    /// <summary>Compatibility decomposition, then canonical composition. Lone surrogates stay as they are.</summary>
    public static string ToNfkc(string text)
    {
        if (Ascii.IsValid(text))
            return text;
        List<int> codePoints = Decompose(text, compatibility: true);
        Compose(codePoints);
        return ToString(codePoints);
    }

    /// <summary>Canonical decomposition. Lone surrogates stay as they are.</summary>
    public static string ToNfd(string text) => Ascii.IsValid(text) ? text : ToString(Decompose(text, compatibility: false));

    private static List<int> Decompose(string text, bool compatibility)
    {
        NormalizationTables tables = NormalizationTables.Instance;
        var codePoints = new List<int>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            int codePoint = text[i];
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                codePoint = char.ConvertToUtf32(text[i], text[++i]);

            int syllable = codePoint - SyllableBase;
            if (codePoint < 0x80)
                codePoints.Add(codePoint);
            else if ((uint)syllable < SyllableCount)
                AddJamo(codePoints, syllable);
            else if (tables.Decomposition(codePoint, compatibility) is { } parts)
                codePoints.AddRange(parts);
            else
                codePoints.Add(codePoint);
        }
        SortMarks(codePoints, tables);
        return codePoints;
    }

    private static void AddJamo(List<int> codePoints, int syllable)
    {
        codePoints.Add(LeadBase + (syllable / (VowelCount * TrailCount)));
        codePoints.Add(VowelBase + (syllable % (VowelCount * TrailCount) / TrailCount));
        if (syllable % TrailCount != 0)
            codePoints.Add(TrailBase + (syllable % TrailCount));
    }

    /// <summary>Puts each run of combining marks in the order of their classes, equal classes as they were.</summary>
    private static void SortMarks(List<int> codePoints, NormalizationTables tables)
    {
        for (int start = 0; start < codePoints.Count; start++)
        {
            if (tables.CombiningClass(codePoints[start]) == 0)
                continue;
            int end = start + 1;
            while (end < codePoints.Count && tables.CombiningClass(codePoints[end]) != 0)
                end++;
            if (end - start > 1)
            {
                // OrderBy is stable and n log n: a text may be one long run of marks.
                int[] sorted = [.. codePoints[start..end].OrderBy(tables.CombiningClass)];
                for (int i = 0; i < sorted.Length; i++)
                    codePoints[start + i] = sorted[i];
            }
            start = end;
        }
    }

    private static void Compose(List<int> codePoints)
    {
        NormalizationTables tables = NormalizationTables.Instance;
        int count = 0;
        int starter = -1;
        int lastClass = 0;
        foreach (int codePoint in codePoints.ToArray())
        {
            int combiningClass = tables.CombiningClass(codePoint);
            bool reachesStarter = starter >= 0 && (starter == count - 1 || lastClass < combiningClass);
            if (reachesStarter && TryCompose(tables, codePoints[starter], codePoint, out int composed))
            {
                codePoints[starter] = composed;
                continue;
            }
            if (combiningClass == 0)
                starter = count;
            lastClass = combiningClass;
            codePoints[count++] = codePoint;
        }
        codePoints.RemoveRange(count, codePoints.Count - count);
    }

    private static bool TryCompose(NormalizationTables tables, int first, int second, out int composed)
    {
        int lead = first - LeadBase, vowel = second - VowelBase;
        if ((uint)lead < LeadCount && (uint)vowel < VowelCount)
        {
            composed = SyllableBase + (((lead * VowelCount) + vowel) * TrailCount);
            return true;
        }
        int syllable = first - SyllableBase, trail = second - TrailBase;
        if ((uint)syllable < SyllableCount && syllable % TrailCount == 0 && trail is > 0 and < TrailCount)
        {
            composed = first + trail;
            return true;
        }
        return tables.TryCompose(first, second, out composed);
    }

    private static string ToString(List<int> codePoints)
    {
        var text = new StringBuilder(codePoints.Count);
        foreach (int codePoint in codePoints)
        {
            if (codePoint < 0x10000)
                text.Append((char)codePoint);
            else
                text.Append((char)(0xD800 + ((codePoint - 0x10000) >> 10))).Append((char)(0xDC00 + (codePoint & 0x3FF)));
        }
        return text.ToString();
    }
}
