using System.Diagnostics;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>One directory that outlives many processes, and what it must hold.</summary>
internal sealed class CrashLane : IDisposable
{
    private const int KilledExitCode = 137;

    private readonly TemporaryDirectory _directory = FaultSettings.Directory();
    private Dictionary<string, Dictionary<string, int>?> _contents = [];

    public string DataDirectory => Path.Combine(_directory.Path, "data");

    private string LogPath => Path.Combine(_directory.Path, "log");

    /// <summary>The oracle of a mix of work on what the directory holds.</summary>
    public FaultHistory[] Histories(int seed) =>
        [.. FaultWorkload.Mix(seed, isHeavy: false).Select(workload => new FaultHistory(workload, _contents.GetValueOrDefault(workload.Name)))];

    /// <summary>Runs a process until it kills itself at a crash point, or has done its work; then checks.</summary>
    /// <returns>True when it was killed.</returns>
    public async Task<bool> RunToPointAsync(int seed, int steps, FaultBulk? bulk, string point, int pass, CancellationToken token)
    {
        using Process child = Start(FaultChild.Arguments(DataDirectory, LogPath, seed, steps, bulk?.Name ?? string.Empty, point, pass));
        Task<string> errors = child.StandardError.ReadToEndAsync(token);
        await child.StandardOutput.ReadToEndAsync(token);
        await WaitAsync(child, token);
        bool isKilled = child.ExitCode == KilledExitCode;
        if (!isKilled && child.ExitCode != 0)
        {
            throw new FaultException($"The process failed with {child.ExitCode}: {await errors}");
        }

        await CheckAsync(seed, queries: 3, token);
        return isKilled;
    }

    /// <summary>Runs a process, kills it some time after its store is open, and checks.</summary>
    public async Task KillAsync(int seed, TimeSpan after, CancellationToken token)
    {
        using (Process child = Start(FaultChild.Arguments(DataDirectory, LogPath, seed, int.MaxValue, string.Empty, string.Empty, 0)))
        {
            Task<string> errors = child.StandardError.ReadToEndAsync(token);
            if (await child.StandardOutput.ReadLineAsync(token) != FaultChild.Ready)
            {
                throw new FaultException($"The process failed: {await errors}");
            }

            await Task.Delay(after, token);
            if (child.HasExited)
            {
                throw new FaultException($"The process ended by itself: {await errors}");
            }

            child.Kill();
            await WaitAsync(child, token);
        }

        await CheckAsync(seed, queries: 20, token);
    }

    /// <summary>As <see cref="KillAsync"/>, with the sidecar over HTTP and vectors only.</summary>
    public async Task KillSidecarAsync(int seed, TimeSpan after, CancellationToken token)
    {
        FaultHistory[] histories = [.. Histories(seed).Where(history => !history.Workload.IsText)];
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(DataDirectory, "--embedding-provider", "none", "--checkpoint-seconds", "1"))
        {
            var host = new SidecarHost(sidecar.Api);
            Task working = Task.WhenAll(histories.Select(history => Task.Run(
                () => new FaultRunner(host, history.Workload, history.Add).RunAsync(int.MaxValue, CancellationToken.None), token)));
            await Task.Delay(after, token);
            await sidecar.KillAsync();
            try
            {
                await working;
            }
            catch (HttpRequestException)
            {
                // It was killed in the middle of a request.
            }
        }

        await CheckAsync(histories, queries: 20, token);
    }

    /// <summary>Opens the store and holds it against histories.</summary>
    public async Task CheckAsync(IReadOnlyList<FaultHistory> histories, int queries, CancellationToken token)
    {
        await using MoorchehStore store = await MoorchehStore.OpenAsync(DataDirectory, FaultSettings.Options(new VolatileDisk()), token);
        Dictionary<string, Dictionary<string, int>?> found = await FaultCheck.RunAsync(store, histories, long.MaxValue, queries, token);
        foreach (FaultBulk bulk in (FaultBulk[])[FaultBulk.LongLog, FaultBulk.FullSegment])
        {
            await bulk.CheckAsync(store);
        }

        _contents = found;
    }

    public void Dispose() => _directory.Dispose();

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(CrashLane).Assembly.Location },
            Environment = { ["DOTNET_TieredPGO"] = "0" }, // Most of such a short life is compilation.
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static async Task WaitAsync(Process child, CancellationToken token)
    {
        try
        {
            await child.WaitForExitAsync(token);
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            throw;
        }
    }

    private Task CheckAsync(int seed, int queries, CancellationToken token)
    {
        FaultHistory[] histories = Histories(seed);
        FaultLog.Read(LogPath, histories);
        return CheckAsync(histories, queries, token);
    }
}
