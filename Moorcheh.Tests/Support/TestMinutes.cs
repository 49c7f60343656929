using System.Globalization;

namespace Moorcheh.Tests.Support;

/// <summary>
/// MOORCHEH_TEST_MINUTES is how long each test that makes up its own cases goes on. Without it such a test takes a few seconds.
/// </summary>
internal static class TestMinutes
{
    private static readonly TimeSpan Asked = TimeSpan.FromMinutes(
        double.Parse(Environment.GetEnvironmentVariable("MOORCHEH_TEST_MINUTES") ?? "0", CultureInfo.InvariantCulture));

    /// <summary>True when more than a few seconds were asked for.</summary>
    public static bool IsLong => Asked > TimeSpan.Zero;

    /// <summary>The <see cref="Environment.TickCount64"/> at which a test that starts now should stop.</summary>
    public static long EndFromNow(TimeSpan byDefault) => Environment.TickCount64 + (long)(IsLong ? Asked : byDefault).TotalMilliseconds;
}
