using System.Diagnostics;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Processes that work on a store are killed at random moments, again and again over the same directory; after each kill the store must
/// hold what was acknowledged. Two lanes at a time: one begins with kills of the sidecar.
/// </summary>
[Category("Faults")]
[Platform(Exclude = "Win", Reason = "Processes are stopped by signals.")]
internal sealed class KillLoopTests
{
    private const int Kills = 152;
    private const int OverHttp = 12;
    private const int MinMs = 20;
    private const int MaxMs = 600;

    [TestCase(1)]
    [CancelAfter(300_000)]
    public Task Kill_AgainAndAgain_LosesNothingAcknowledged(int seed, CancellationToken token) => RunAsync(seed, kills => kills < Kills, token);

    [Test]
    public async Task Kill_LongRun_LosesNothingAcknowledged()
    {
        if (FaultSettings.Minutes is not { } minutes)
        {
            Assert.Ignore("MOORCHEH_TEST_MINUTES is not set.");
            return;
        }

        long start = Stopwatch.GetTimestamp();
        await RunAsync(Random.Shared.Next(1 << 30), _ => Stopwatch.GetElapsedTime(start).TotalMinutes < minutes, CancellationToken.None);
    }

    private static async Task RunAsync(int seed, Func<int, bool> goesOn, CancellationToken token)
    {
        TestContext.Progress.WriteLine($"seed {seed}");
        int kills = 0;
        await Task.WhenAll(Task.Run(() => RunLaneAsync(seed, OverHttp), token), Task.Run(() => RunLaneAsync(seed + 1, 0), token));
        TestContext.Out.WriteLine($"seed {seed}: {kills} kills, {OverHttp} of them over HTTP");

        async Task RunLaneAsync(int laneSeed, int overHttp)
        {
            var random = new Random(laneSeed);
            using var http = new CrashLane();
            using var process = new CrashLane();
            for (int round = 0; goesOn(Interlocked.Increment(ref kills) - 1); round++)
            {
                int work = random.Next(1 << 30);
                var after = TimeSpan.FromMilliseconds(random.Next(MinMs, MaxMs));
                try
                {
                    await (round < overHttp ? http.KillSidecarAsync(work, after, token) : process.KillAsync(work, after, token));
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    throw new FaultException($"Seed {laneSeed}, round {round}, work {work}: {e.Message}", e);
                }
            }

            Interlocked.Decrement(ref kills); // The one that was not begun.
        }
    }
}
