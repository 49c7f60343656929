using System.Globalization;

namespace Moorcheh.Jobs;

/// <summary>Job ids as text: <c>job-</c> and 32 lowercase hex digits of a random UUID.</summary>
internal static class JobId
{
    private const string Prefix = "job-";

    public static string Format(Guid id) => Prefix + id.ToString("N", CultureInfo.InvariantCulture);

    /// <summary>The id, or null when the text is none.</summary>
    public static Guid? Parse(string? text) =>
        text is not null
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && Guid.TryParseExact(text.AsSpan(Prefix.Length), "N", out Guid id)
        && Format(id) == text
            ? id
            : null;
}
