using System.Globalization;
using System.Runtime.InteropServices;
using Moorcheh.Diagnostics;

namespace Moorcheh.Tests.Faults;

/// <summary>The process that dies: opens a store, works on it and writes down what was acknowledged.</summary>
internal static class FaultChild
{
    private const int SigKill = 9;

    /// <summary>What is printed when the store is open.</summary>
    public const string Ready = "ready";

    /// <summary>Arguments for <see cref="RunAsync"/>.</summary>
    /// <param name="directory">The store's directory.</param>
    /// <param name="log">Where to write down what is known.</param>
    /// <param name="seed">Of the work.</param>
    /// <param name="steps">Of each namespace.</param>
    /// <param name="bulk">Name of a <see cref="FaultBulk"/>; empty for none.</param>
    /// <param name="point">The crash point at which the process kills itself; empty for none.</param>
    /// <param name="pass">At which pass.</param>
    public static string[] Arguments(string directory, string log, int seed, int steps, string bulk, string point, int pass) =>
        ["fault-host", directory, log, Text(seed), Text(steps), bulk, point, Text(pass)];

    public static async Task RunAsync(string[] arguments)
    {
        if (arguments is not [string directory, string path, string seed, string steps, string bulk, string point, string pass])
        {
            throw new ArgumentException("Seven settings are needed.");
        }

        int left = Number(pass);
        CrashPoints.Reached = reached =>
        {
            if (reached == point && Interlocked.Decrement(ref left) == 0)
            {
                _ = Kill(Environment.ProcessId, SigKill);
            }
        };
        using var log = new FaultLog(path);
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, FaultSettings.Options(new VolatileDisk()));
        Console.WriteLine(Ready);
        Task much = FaultBulk.Find(bulk)?.RunAsync(store, CancellationToken.None) ?? Task.CompletedTask;
        await Task.WhenAll(FaultWorkload.Mix(Number(seed), isHeavy: false).Select(workload => Task.Run(
            () => new FaultRunner(new StoreHost(store), workload, note => log.Add(workload.Name, note)).RunAsync(Number(steps), CancellationToken.None))));
        await much;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
