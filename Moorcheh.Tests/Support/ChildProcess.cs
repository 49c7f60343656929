using System.Diagnostics;
using Moorcheh.Tests.Faults;
using Moorcheh.Tests.Kernels;

namespace Moorcheh.Tests.Support;

/// <summary>Runs a named piece of this assembly in a process of its own, for what cannot be varied inside a running one.</summary>
public static class ChildProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>The entry point of the child: prints what the named piece returns.</summary>
    public static int Main(string[] args)
    {
        if (args is ["kernel-digest"])
        {
            Console.WriteLine(KernelDigest.Compute());
            return 0;
        }

        if (args is ["fault-host", .. string[] settings])
        {
            FaultChild.RunAsync(settings).GetAwaiter().GetResult();
            return 0;
        }

        Console.Error.WriteLine("This assembly holds tests: run `dotnet test`.");
        return 2;
    }

    /// <summary>Starts a child with additional environment variables and returns what it printed.</summary>
    public static async Task<string> RunAsync(string name, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(ChildProcess).Assembly.Location, name },
        };
        foreach ((string variable, string value) in environment)
        {
            start.Environment[variable] = value;
        }

        using Process child = Process.Start(start)!;
        using var timeout = new CancellationTokenSource(Limit);
        Task<string> output = child.StandardOutput.ReadToEndAsync(timeout.Token);
        Task<string> errors = child.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            await child.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            child.Kill(entireProcessTree: true);
            throw;
        }

        Assert.That(child.ExitCode, Is.Zero, await errors);
        return (await output).Trim();
    }
}
