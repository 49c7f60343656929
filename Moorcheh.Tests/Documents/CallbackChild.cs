using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Documents;
using Moorcheh.Documents.RabbitMq;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Documents;

/// <summary>A process that deletes an artifact, with messages, and kills itself at a crash point.</summary>
internal static class CallbackChild
{
    public const string Name = "callback-host";

    private const int KilledExitCode = 137;
    private const int SigKill = 9;

    /// <summary>Runs it to its end.</summary>
    /// <returns>Id of the task.</returns>
    public static async Task<string> RunToPointAsync(string directory, string broker, string exchange, string point, int pass)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(CallbackChild).Assembly.Location, Name, directory, broker, exchange, point, $"{pass}" },
        };
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync(TestStore.Token);
        string output = await child.StandardOutput.ReadToEndAsync(TestStore.Token);
        await child.WaitForExitAsync(TestStore.Token);
        Assert.That(child.ExitCode, Is.EqualTo(KilledExitCode), await errors);
        return output.Trim();
    }

    /// <summary>The child.</summary>
    public static async Task RunAsync(string[] settings)
    {
        if (settings is not [string directory, string broker, string exchange, string point, string pass])
        {
            throw new ArgumentException("Five settings are needed.");
        }

        int left = int.Parse(pass, CultureInfo.InvariantCulture);
        using var isKnown = new ManualResetEventSlim();
        CrashPoints.Reached = reached =>
        {
            if (reached == point && Interlocked.Decrement(ref left) == 0)
            {
                isKnown.Wait();
                _ = Kill(Environment.ProcessId, SigKill);
            }
        };
        await using var publisher = new RabbitMqPublisher(BrokerAddress.Parse(broker)!, TimeProvider.System, NullLogger<RabbitMqPublisher>.Instance);
        MoorchehOptions options = TestStore.Options(new TestEmbedder());
        options.Artifacts.CallbackPublisher = publisher;
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, options);
        await store.Artifacts.IngestAsync(new ArtifactIngest("c", "a", ArtifactInput.FromText("x")));
        ArtifactTaskStatus task = await store.Artifacts.StartDeleteAsync("c", "a", new ArtifactCallback(exchange) { RoutingKeyProgress = "p" });
        await store.Artifacts.WaitAsync(task.JobId);
        Console.WriteLine(task.JobId);
        await Console.Out.FlushAsync();
        isKnown.Set();
        await Task.Delay(TimeSpan.FromMinutes(1));
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
