using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Moorcheh.Tests.Support;

/// <summary>
/// The sidecar as a process of its own, on a free port of 127.0.0.1, so that a test can kill it. It is ready when
/// <see cref="StartAsync(string, string[])"/> returns.
/// </summary>
internal sealed partial class SidecarProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly StringBuilder _output;
    private ApiClient? _api;

    private SidecarProcess(Process process, StringBuilder output)
    {
        _process = process;
        _output = output;
    }

    public int ProcessId => _process.Id;

    /// <summary>Most memory the process has had in RAM so far. Linux only.</summary>
    public long PeakMemoryKiB => long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))[6..^3], CultureInfo.InvariantCulture);

    /// <summary>Its API.</summary>
    public ApiClient Api => _api ?? throw new InvalidOperationException("The sidecar is not listening.");

    /// <summary>All it has written so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts a sidecar over a directory and waits until its store is open.</summary>
    /// <param name="dataDirectory">Directory of the store.</param>
    /// <param name="arguments">More options, as on the command line.</param>
    public static Task<SidecarProcess> StartAsync(string dataDirectory, params string[] arguments) => StartAsync(dataDirectory, [], arguments);

    /// <inheritdoc cref="StartAsync(string, string[])"/>
    /// <param name="dataDirectory">Directory of the store.</param>
    /// <param name="environment">More environment variables.</param>
    /// <param name="arguments">More options, as on the command line.</param>
    public static async Task<SidecarProcess> StartAsync(string dataDirectory, Dictionary<string, string> environment, params string[] arguments)
    {
        var listening = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        SidecarProcess sidecar = Run(["--server-port", "0", "--data-directory", dataDirectory, .. arguments], line =>
        {
            if (ListeningLine().Match(line) is { Success: true } match)
            {
                listening.TrySetResult(new Uri(match.Groups[1].Value));
            }

            if (line.Contains("Opened ", StringComparison.Ordinal))
            {
                opened.TrySetResult();
            }
        }, environment);
        try
        {
            Task ready = Task.WhenAll(listening.Task, opened.Task);
            if (await Task.WhenAny(ready, sidecar._process.WaitForExitAsync()) != ready)
            {
                throw new InvalidOperationException($"The sidecar stopped: {sidecar.Output}");
            }

            sidecar._api = new ApiClient(await listening.Task);
            return sidecar;
        }
        catch
        {
            await sidecar.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a sidecar that is expected to end by itself.</summary>
    /// <returns>Its exit code and all it wrote.</returns>
    public static async Task<(int ExitCode, string Output)> RunToEndAsync(params string[] arguments)
    {
        await using SidecarProcess sidecar = Run(arguments, _ => { });
        await sidecar._process.WaitForExitAsync();
        return (sidecar._process.ExitCode, sidecar.Output);
    }

    /// <summary>Ends the process as a power cut would: at once, without a chance to write anything.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks the process to stop and waits for its end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        Assert.That(Signal(_process.Id, SigTerm), Is.Zero);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        _api?.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private static SidecarProcess Run(IEnumerable<string> arguments, Action<string> onLine, Dictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Moorcheh.Sidecar.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        var output = new StringBuilder();
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new SidecarProcess(process, output);

        void Add(string? line)
        {
            if (line is not null)
            {
                lock (output)
                {
                    output.AppendLine(line);
                }

                onLine(line);
            }
        }
    }

    [GeneratedRegex(@"Listening on (http://[^,\s]+)")]
    private static partial Regex ListeningLine();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int processId, int signal);
}
