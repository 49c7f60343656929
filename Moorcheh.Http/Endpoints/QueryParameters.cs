using System.Globalization;
using Microsoft.Extensions.Primitives;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>Reads query parameters. One sent twice counts with its last value.</summary>
internal static class QueryParameters
{
    public static string? FindQuery(this HttpContext http, string name)
    {
        StringValues values = http.Request.Query[name];
        return values.Count == 0 ? null : values[^1] ?? "";
    }

    /// <summary>A whole number, clamped to its range.</summary>
    public static int GetLimit(this HttpContext http, int normal, int greatest)
    {
        const string Name = "limit";
        if (http.FindQuery(Name) is not { } text)
        {
            return normal;
        }

        ReadOnlySpan<char> digits = text.StartsWith('-') ? text.AsSpan(1) : text;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
        {
            throw RequestErrors.InvalidParameter(Name, "a whole number", text);
        }

        // Any number of digits is a whole number: what does not fit is clamped like the rest.
        bool isNegative = digits.Length < text.Length;
        long value = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long parsed) ? parsed : long.MaxValue;
        return (int)Math.Clamp(isNegative ? -value : value, 1, greatest);
    }

    /// <summary>Seconds, 0 to <paramref name="greatest"/>; 0 when absent.</summary>
    public static TimeSpan GetSeconds(this HttpContext http, string name, double greatest)
    {
        if (http.FindQuery(name) is not { } text)
        {
            return TimeSpan.Zero;
        }

        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool isNumber = double.TryParse(text, Style, CultureInfo.InvariantCulture, out double seconds);

        // The parser also takes words such as "NaN".
        if (!isNumber || text.AsSpan().ContainsAnyExcept("0123456789+-.eE"))
        {
            throw RequestErrors.InvalidParameter(name, "a number", text);
        }

        return TimeSpan.FromSeconds(Math.Clamp(seconds, 0, greatest));
    }

    /// <summary>One of several words; null when absent.</summary>
    public static string? FindWord(this HttpContext http, string name, ReadOnlySpan<string> words)
    {
        string? text = http.FindQuery(name);
        return text is null || words.Contains(text)
            ? text
            : throw RequestErrors.InvalidParameter(name, $"one of {string.Join(", ", words!)}", text);
    }
}
