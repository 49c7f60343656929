using System.Globalization;
using Moorcheh.Storage;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>What the fault tests have in common.</summary>
internal static class FaultSettings
{
    private const long EnoughMemoryBytes = 4L << 30;

    /// <summary>Minutes for each long test; null in the normal run.</summary>
    public static double? Minutes =>
        double.TryParse(Environment.GetEnvironmentVariable("MOORCHEH_TEST_MINUTES"), CultureInfo.InvariantCulture, out double minutes) ? minutes : null;

    public static MoorchehOptions Options(Disk disk)
    {
        MoorchehOptions options = TestStore.Options(FaultWorkload.Embedder());
        options.Disk = disk;
        return options;
    }

    /// <summary>In memory where there is room, because these tests write thousands of directories.</summary>
    public static TemporaryDirectory Directory()
    {
        const string Memory = "/dev/shm";
        return System.IO.Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace > EnoughMemoryBytes
            ? new TemporaryDirectory(Memory)
            : new TemporaryDirectory();
    }
}
