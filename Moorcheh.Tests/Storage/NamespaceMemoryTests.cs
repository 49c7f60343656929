using System.Globalization;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Storage;

/// <summary>
/// A namespace takes memory for what is in it. Of one vector of the greatest dimension: its sum in float64 (128 KiB), one block of codes
/// (128), a row of bytes (16) and the rotation (8), with what the logs keep in memory 64 to 140 more. Each buffer of floats that is kept
/// beside would add 64, and signs as masks 256.
/// </summary>
internal sealed class NamespaceMemoryTests
{
    private const int MostKeptKiB = 480;
    private const int MostWrittenKiB = 480;

    [Test]
    [CancelAfter(120_000)]
    public async Task Create_OneLongVectorEach_TakesLittleAndIsWrittenWithLittle()
    {
        using var directory = new TemporaryDirectory();
        string[] measured = (await ChildProcess.RunAsync([NamespaceMemory.Name, directory.Path])).Split(' ');
        await TestContext.Out.WriteLineAsync($"{measured[0]} KiB kept, {measured[1]} KiB for a checkpoint");

        Assert.That(int.Parse(measured[0], CultureInfo.InvariantCulture), Is.LessThan(MostKeptKiB));
        Assert.That(int.Parse(measured[1], CultureInfo.InvariantCulture), Is.LessThan(MostWrittenKiB));
    }
}
