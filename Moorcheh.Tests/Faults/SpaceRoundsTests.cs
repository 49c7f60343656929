using System.Globalization;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>Deleting gives space back: after many rounds of create, fill and delete, disk and memory take no more than after a few.</summary>
[Category("Faults")]
[CancelAfter(240_000)]
internal sealed class SpaceRoundsTests
{
    private const int Rounds = 30;

    // By then the logs fill the memory they may take, and the dead part of the record log is as long as it may get.
    private const int Settled = 12;
    private const int Window = 10;
    private const double Tolerance = 1.10;

    // Files of the logs have 32 MiB: up to two of dead records and two of journal wait for a checkpoint to give them back.
    private const long MaxDiskBytes = 128L << 20; // All rounds together write more than a gigabyte.

    [Test]
    public async Task Rounds_CreateFillDelete_DiskAndMemoryStay()
    {
        using var directory = new TemporaryDirectory();
        string output = await ChildProcess.RunAsync(["space-rounds", directory.Path, Rounds.ToString(CultureInfo.InvariantCulture)]);
        (long Disk, long Memory)[] rounds = [.. output.Split('\n').Select(line => line.Split(' ')).Select(parts => (Long(parts[0]), Long(parts[1])))];
        Assert.That(rounds, Has.Length.EqualTo(Rounds));
        await TestContext.Out.WriteLineAsync($"MB on disk and resident: {string.Join(", ", rounds.Select(round => $"{round.Disk >> 20}/{round.Memory >> 20}"))}");
        Assert.That(rounds.Max(round => round.Disk), Is.LessThan(MaxDiskBytes));
        long settled = rounds[Settled..(Settled + Window)].Max(round => round.Memory);
        Assert.That(rounds[^Window..].Max(round => round.Memory), Is.LessThanOrEqualTo(settled * Tolerance));
    }

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
