using System.Globalization;
using System.Numerics;

namespace Moorcheh;

/// <summary>Checks settings. A message names the setting, its value and the rule.</summary>
internal static class OptionRule
{
    /// <summary>A timer takes 2^32 - 2 milliseconds at most, a wait half of that.</summary>
    public static readonly TimeSpan LongestTimer = TimeSpan.FromDays(24);

    /// <exception cref="ArgumentException">It is null.</exception>
    public static void Set(string option, object? value) => Require(value is not null, option, "null", "set");

    /// <exception cref="ArgumentException">It is less.</exception>
    public static void AtLeast<T>(string option, T value, T least)
        where T : INumber<T> =>
        Require(value >= least, option, value, T.IsZero(least) || least == T.One ? $"{least} or more" : $"at least {least}");

    /// <exception cref="ArgumentException">It is outside of the range.</exception>
    public static void InRange<T>(string option, T value, T least, T most)
        where T : IComparable<T> =>
        Require(value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0, option, value, string.Create(CultureInfo.InvariantCulture, $"from {least} to {most}"));

    private static void Require(bool holds, string option, object value, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"Option '{option}' is {value}; it must be {rule}."));
        }
    }
}
