using System.Diagnostics;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Everything a store does to its files is written down once; then the power is cut at many places of that record. What was flushed is
/// there, what was not may be there or not, in any combination and torn at sectors (<see cref="DiskModel"/>). A store is opened on each
/// of these disks and must hold what was acknowledged up to that place. A session goes on after a crash, by a cut or by a kill that leaves
/// unflushed bytes in the system's memory, so that a second crash finds what the first one left.
/// </summary>
[Category("Faults")]
internal sealed class PowerLossTests
{
    private const int Generations = 3;
    private const int ImagesPerGeneration = 67;
    private const int Checkers = 2;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    [TestCase(6)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(9)]
    [TestCase(10)]
    [CancelAfter(300_000)]
    public async Task CutPower_AtAnyMoment_LosesNothingAcknowledged(int seed, CancellationToken token)
    {
        int images = await RunSessionAsync(seed, ImagesPerGeneration, token);
        TestContext.Out.WriteLine($"seed {seed}: {images} power cuts");
    }

    [Test]
    public async Task CutPower_LongRun_LosesNothingAcknowledged()
    {
        if (FaultSettings.Minutes is not { } minutes)
        {
            Assert.Ignore("MOORCHEH_TEST_MINUTES is not set.");
            return;
        }

        long start = Stopwatch.GetTimestamp();
        int images = 0;
        for (int seed = Random.Shared.Next(1 << 30); Stopwatch.GetElapsedTime(start).TotalMinutes < minutes; seed++)
        {
            TestContext.Progress.WriteLine($"seed {seed}, {images} power cuts so far");
            images += await RunSessionAsync(seed, ImagesPerGeneration, CancellationToken.None);
        }

        TestContext.Out.WriteLine($"{images} power cuts");
    }

    private static async Task<int> RunSessionAsync(int seed, int imagesPerGeneration, CancellationToken token)
    {
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var disk = new DiskModel();
        Dictionary<string, Dictionary<string, int>?> contents = [];
        (FaultHistory[] Histories, int Position)? before = null;
        int images = 0;
        for (int generation = 0; generation < Generations; generation++)
        {
            bool isHeavy = random.Next(4) == 0;
            FaultHistory[] histories =
                [.. FaultWorkload.Mix(random.Next(), isHeavy).Select(workload => new FaultHistory(workload, contents.GetValueOrDefault(workload.Name)))];
            Recording recording = await RecordAsync(disk, histories, random.Next(5, 60), token);
            int[] cuts = [.. ChooseCuts(recording.Events, imagesPerGeneration, random).Order()];

            // Until the store was open nobody had seen what a kill left unflushed.
            (disk, contents, int cut) = await CheckAsync(
                recording, position => position < recording.Opened && before is { } earlier ? earlier : (histories, position), cuts, random, token);
            before = (histories, cut);
            images += cuts.Length;
        }

        return images;
    }

    /// <summary>Half of them anywhere, half where it hurts: right after a name changed or a flush began or ended.</summary>
    private static IEnumerable<int> ChooseCuts(IReadOnlyList<DiskEvent> events, int count, Random random)
    {
        int[] tender = [.. Enumerable.Range(0, events.Count).Where(i => events[i] is not (DiskEvent.WriteBegun or DiskEvent.ChangeDone)).Select(i => i + 1)];
        return Enumerable.Range(0, count).Select(_ => random.Next(2) == 0 ? random.Next(events.Count + 1) : tender[random.Next(tender.Length)]);
    }

    /// <summary>Runs a store on a disk and writes down what it does.</summary>
    private static async Task<Recording> RecordAsync(DiskModel start, FaultHistory[] histories, int steps, CancellationToken token)
    {
        using TemporaryDirectory directory = FaultSettings.Directory();
        start.Save(directory.Path);
        var disk = new RecordingDisk(directory.Path, start);
        int opened;
        await using (MoorchehStore store = await OpenAsync(directory.Path, FaultSettings.Options(disk)))
        {
            opened = disk.Position;
            await Task.WhenAll(histories.Select(history => Task.Run(
                () => new FaultRunner(new StoreHost(store), history.Workload, note => history.Add(note with { Position = disk.Position })).RunAsync(steps, token),
                token)));
        }

        return new Recording(start, disk.Events, opened);
    }

    private static Task<MoorchehStore> OpenAsync(string root, MoorchehOptions options) =>
        MoorchehStore.OpenAsync(Path.Combine(root, "host", "data"), options);

    /// <summary>Cuts the power at each place and checks; then once more, and gives back that disk and what is on it.</summary>
    private static async Task<(DiskModel Disk, Dictionary<string, Dictionary<string, int>?> Contents, int Cut)> CheckAsync(
        Recording recording, Func<int, (FaultHistory[] Histories, int Position)> oracleOf, int[] cuts, Random random, CancellationToken token)
    {
        DiskModel running = recording.Start.Clone();
        int happened = 0;
        int next = 0;
        int seed = random.Next();
        int goesOnAt = random.Next(cuts.Length);
        bool isKill = random.Next(2) == 0;
        DiskModel? goesOn = null;
        Dictionary<string, Dictionary<string, int>?> contents = [];
        await Task.WhenAll(Enumerable.Range(0, Checkers).Select(_ => Task.Run(WorkAsync, token)));
        return (goesOn!, contents, cuts[goesOnAt]);

        async Task WorkAsync()
        {
            while (Take() is (int index, DiskModel image))
            {
                token.ThrowIfCancellationRequested();
                using TemporaryDirectory directory = FaultSettings.Directory();
                image.Save(directory.Path);
                try
                {
                    Dictionary<string, Dictionary<string, int>?> found;
                    await using (MoorchehStore store = await OpenAsync(directory.Path, FaultSettings.Options(new VolatileDisk())))
                    {
                        (FaultHistory[] histories, int position) = oracleOf(cuts[index]);
                        found = await FaultCheck.RunAsync(store, histories, position, queries: 2, token);
                    }

                    if (index == goesOnAt)
                    {
                        (goesOn, contents) = (image, found);
                    }
                }
                catch (Exception e)
                {
                    throw new FaultException($"Cut at {cuts[index]} of {recording.Events.Count} (open at {recording.Opened}): {e.Message}", e);
                }
            }
        }

        (int, DiskModel)? Take()
        {
            lock (running)
            {
                if (next == cuts.Length)
                {
                    return null;
                }

                while (happened < cuts[next])
                {
                    running.Apply(recording.Events[happened++]);
                }

                var choices = new Random(seed + next);
                DiskModel image = isKill && next == goesOnAt ? running.Kill(choices) : running.CutPower(choices);
                return (next++, image);
            }
        }
    }

    /// <param name="Start">The disk before.</param>
    /// <param name="Events">What was done to it.</param>
    /// <param name="Opened">How much of it opened the store.</param>
    private sealed record Recording(DiskModel Start, IReadOnlyList<DiskEvent> Events, int Opened);
}
