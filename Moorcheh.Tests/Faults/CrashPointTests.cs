using System.Collections.Concurrent;
using Moorcheh.Diagnostics;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// A process kills itself at each named place between the steps of what must survive a crash; the store is opened again and must hold what
/// was acknowledged. Every place is hit at its first pass and at a later one; a place that is never reached fails the test.
/// </summary>
[Category("Faults")]
[Platform(Exclude = "Win", Reason = "Processes are stopped by signals.")]
internal sealed class CrashPointTests
{
    private const int Lanes = 2;
    private const int Steps = 40;

    private static readonly string[] NeedsLongLog = [CrashPoints.RecordsCompacted, CrashPoints.LogSegmentDeleting, CrashPoints.LogSegmentDeleted];
    private static readonly string[] NeedsFullSegment = [CrashPoints.IndexSegmentWritten, CrashPoints.IndexSegmentSealed];

    [Test]
    [CancelAfter(240_000)]
    public async Task Kill_AtEveryCrashPoint_LosesNothingAcknowledged(CancellationToken token)
    {
        const int Seed = 4;
        TestContext.Out.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        (string Point, int Pass, int Seed)[] kills =
        [
            .. CrashPoints.All.SelectMany(point => (int[])[1, random.Next(2, 8)], (point, pass) => (point, pass, random.Next(1 << 30))),
        ];
        var hits = new ConcurrentDictionary<string, int>();
        var waiting = new ConcurrentQueue<(string Point, int Pass, int Seed)>(kills.OrderBy(kill => NeedsLongLog.Contains(kill.Point) || NeedsFullSegment.Contains(kill.Point)));
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(_ => Task.Run(WorkAsync, token)));
        foreach (string point in CrashPoints.All)
        {
            TestContext.Out.WriteLine($"{point}: {hits.GetValueOrDefault(point)}");
        }

        Assert.That(CrashPoints.All.Where(point => hits.GetValueOrDefault(point) < 2), Is.Empty, "Not reached twice.");

        async Task WorkAsync()
        {
            using var lane = new CrashLane();
            while (waiting.TryDequeue(out (string Point, int Pass, int Seed) kill))
            {
                FaultBulk? bulk = NeedsLongLog.Contains(kill.Point) ? FaultBulk.LongLog : NeedsFullSegment.Contains(kill.Point) ? FaultBulk.FullSegment : null;
                try
                {
                    // A point that is passed less often is hit at its first pass.
                    if (await lane.RunToPointAsync(kill.Seed, Steps, bulk, kill.Point, kill.Pass, token)
                        || (kill.Pass > 1 && await lane.RunToPointAsync(kill.Seed + 1, Steps, bulk, kill.Point, 1, token)))
                    {
                        hits.AddOrUpdate(kill.Point, 1, (_, count) => count + 1);
                    }
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    throw new FaultException($"After '{kill.Point}', pass {kill.Pass}, seed {kill.Seed}: {e.Message}", e);
                }
            }
        }
    }
}
