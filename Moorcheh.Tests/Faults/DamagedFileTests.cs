using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Damage is detected, never served: whatever happens to one file, each thing that is asked for is as it was stored, or a typed error, or the
/// directory is refused with a clear message. Never another value, an empty store, the end of the process or a hang. Children check the
/// mutants; a child that dies or stands still is held against the mutant it was at, and another one goes on behind it.
/// </summary>
[Category("Faults")]
[CancelAfter(600_000)]
internal sealed class DamagedFileTests
{
    private const int Children = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private TemporaryDirectory _directory = null!;

    private string Copy => Path.Combine(_directory.Path, "copy");

    [SetUp]
    public void SetUp() => _directory = FaultSettings.Directory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    /// <summary>All files, and the record log, whose pages FASTER parses, some more.</summary>
    [TestCase("*", 14, 250, new[] { "exact", "typed", "refused" })]
    [TestCase("records.log*", 40, 40, new[] { "typed", "refused" })]
    public async Task Open_OneFileDamaged_GivesExactDataOrSaysSo(string pattern, int perFile, int least, string[] outcomes)
    {
        int seed = TestMinutes.IsLong ? Environment.TickCount : 20_260_704;
        await DamagedFileCheck.Of(DamagedFileCheck.Small).PrepareAsync(Path.Combine(_directory.Path, "store"), Copy);
        long end = TestMinutes.EndFromNow(TimeSpan.Zero);
        do
        {
            IReadOnlyList<string> found = await CheckAsync(DamagedFileCheck.Small, seed++, perFile, pattern);
            Assert.That(found, Has.Count.GreaterThanOrEqualTo(least));
            Assert.That(found.Distinct(), Is.SupersetOf(outcomes), "Damage that nothing notices is no test.");
        }
        while (Environment.TickCount64 < end);
    }

    /// <summary>A full segment has a file of its own.</summary>
    [Test]
    public async Task Open_SegmentFileDamaged_GivesExactDataOrSaysSo()
    {
        await DamagedFileCheck.Of(DamagedFileCheck.Segments).PrepareAsync(Path.Combine(_directory.Path, "store"), Copy);
        Assert.That(await CheckAsync(DamagedFileCheck.Segments, seed: 5, perFile: TestMinutes.IsLong ? 200 : 8, "*.segment"), Has.Count.GreaterThanOrEqualTo(12));
    }

    /// <returns>What came of each mutant.</returns>
    private async Task<IReadOnlyList<string>> CheckAsync(string name, int seed, int perFile, string pattern)
    {
        List<Mutant> mutants = Mutant.Make(Copy, seed, perFile, pattern);
        string[] results = new string[mutants.Count];
        ConcurrentDictionary<int, bool> slow = new();
        await Task.WhenAll(Enumerable.Range(0, Children).Select(child => RunChildAsync(child)));
        await TestContext.Out.WriteLineAsync($"Seed {seed}: {mutants.Count} mutants, {slow.Count} tried twice.");
        foreach (var group in mutants.Zip(results).GroupBy(pair => (pair.First.FileKind, Outcome: pair.Second.Split(' ')[0])).OrderBy(group => group.Key))
        {
            await TestContext.Out.WriteLineAsync($"{group.Key.FileKind,-20} {group.Key.Outcome,-8} {group.Count()}");
        }

        string[] wrong = [.. mutants.Zip(results).Where(pair => pair.Second.StartsWith("WRONG", StringComparison.Ordinal)).Select(pair => $"{pair.First}: {pair.Second}")];
        Assert.That(wrong, Is.Empty, $"Seed {seed}: {wrong.Length} of {mutants.Count} mutants.\n{string.Join('\n', wrong)}");
        Assert.That(results[0], Is.EqualTo("exact"), $"The store without damage: {results[0]}");
        Assert.That(
            mutants.Zip(results).Where(pair => pair.First is { FileKind: "format", Kind: Mutant.Version }).Select(pair => pair.Second),
            Is.All.StartsWith("refused").And.All.Contains("'9'"));
        return [.. results.Skip(1).Select(result => result.Split(' ')[0])];

        async Task RunChildAsync(int child)
        {
            for (int next = child; next < mutants.Count;)
            {
                next = await WatchAsync(name, seed, perFile, pattern, next, Path.Combine(_directory.Path, $"scratch{child}"), results, slow);
            }
        }
    }

    /// <summary>Runs a child until it ends or has to be ended.</summary>
    /// <returns>The mutant to go on with.</returns>
    private async Task<int> WatchAsync(string name, int seed, int perFile, string pattern, int first, string scratch, string[] results, ConcurrentDictionary<int, bool> slow)
    {
        using Process child = ChildProcess.Start(
            "damaged-files", name, Copy, scratch, Text(seed), Text(perFile), pattern, Text(first), Text(Children));
        Task<string> errors = child.StandardError.ReadToEndAsync();
        int current = first;
        int done = first - Children;
        try
        {
            while (true)
            {
                Task<string?> reading = child.StandardOutput.ReadLineAsync();
                if (await Task.WhenAny(reading, Task.Delay(Limit)) != reading)
                {
                    child.Kill(entireProcessTree: true);
                    await child.WaitForExitAsync();
                    if (slow.TryAdd(current, true))
                    {
                        return current; // Once may be the machine; a damage that holds the opening up does so again.
                    }

                    results[current] = $"WRONG It took more than {Limit.TotalSeconds} seconds.";
                    return current + Children;
                }

                if (await reading is not { } line)
                {
                    break;
                }

                string[] words = line.Split(' ', 3);
                if (words is ["begin", var begun])
                {
                    current = int.Parse(begun, CultureInfo.InvariantCulture);
                }
                else if (words is ["end", var ended, var result])
                {
                    done = int.Parse(ended, CultureInfo.InvariantCulture);
                    results[done] = result;
                }
            }

            await child.WaitForExitAsync();
            if (child.ExitCode == 0)
            {
                return results.Length;
            }

            current = Math.Max(current, done + Children);
            results[current] = $"WRONG The process ended with {child.ExitCode}: {await errors}";
            return current + Children;
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill(entireProcessTree: true);
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
