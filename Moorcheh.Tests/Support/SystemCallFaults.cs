using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Moorcheh.Tests.Support;

/// <summary>Lets system calls of another process fail, by strace, until it is disposed.</summary>
internal sealed class SystemCallFaults : IAsyncDisposable
{
    private const string Program = "/usr/bin/strace";
    private const string RequiredVariable = "MOORCHEH_REQUIRE_STRACE"; // Set where the tests must run.
    private const int SigInt = 2;

    private readonly Process _tracer;

    private SystemCallFaults(Process tracer) => _tracer = tracer;

    /// <summary>Skips the test where system calls cannot be made to fail.</summary>
    public static void Require()
    {
        string? reason = !OperatingSystem.IsLinux() ? "System calls are made to fail on Linux only."
            : !File.Exists(Program) ? "strace is not installed (apt-get install strace)."
            : null;
        if (reason is null)
        {
            return;
        }

        if (Environment.GetEnvironmentVariable(RequiredVariable) is { Length: > 0 })
        {
            Assert.Fail(reason);
        }

        Assert.Ignore(reason);
    }

    /// <summary>From when this returns on, these calls of a running process fail.</summary>
    /// <param name="processId">It, with all its threads.</param>
    /// <param name="calls">Names, separated by commas.</param>
    /// <param name="error">A name like <c>EIO</c>.</param>
    public static async Task<SystemCallFaults> StartAsync(int processId, string calls, string error)
    {
        var start = new ProcessStartInfo(Program)
        {
            ArgumentList = { "-f", "-p", $"{processId}", "-e", $"trace={calls}", "-e", $"inject={calls}:error={error}", "-o", "/dev/null" },
            RedirectStandardError = true,
        };
        Process tracer = Process.Start(start)!;
        string? line = await tracer.StandardError.ReadLineAsync();
        if (line?.Contains("attached", StringComparison.Ordinal) != true)
        {
            tracer.Kill(); // Else the rest ends with the process that is traced.
            string rest = await tracer.StandardError.ReadToEndAsync();
            tracer.Dispose();
            throw new InvalidOperationException($"strace cannot attach: {line} {rest}");
        }

        _ = tracer.StandardError.ReadToEndAsync();
        return new SystemCallFaults(tracer);
    }

    public async ValueTask DisposeAsync()
    {
        _ = Signal(_tracer.Id, SigInt); // It lets go of the process.
        await _tracer.WaitForExitAsync();
        _tracer.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int processId, int signal);
}
