using System.Diagnostics;
using System.Globalization;
using Moorcheh.Tests.Documents;
using Moorcheh.Tests.Embeddings;
using Moorcheh.Tests.Faults;
using Moorcheh.Tests.Kernels;
using Moorcheh.Tests.Search;
using Moorcheh.Tests.Storage;

namespace Moorcheh.Tests.Support;

/// <summary>Runs a named piece of this assembly in a process of its own, for what cannot be varied inside a running one.</summary>
public static class ChildProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    /// <summary>The entry point of the child: prints what the named piece returns.</summary>
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["kernel-digest"]:
                Console.WriteLine(KernelDigest.Compute());
                return 0;
            case [TokensOfHostTests.Child]:
                Console.WriteLine(TokensOfHostTests.Describe());
                return 0;
            case ["search-digest", string directory]:
                Console.WriteLine(await SearchDigest.ComputeAsync(directory));
                return 0;
            case ["space-rounds", string directory, string rounds]:
                return await SpaceRounds.RunAsync(directory, int.Parse(rounds, CultureInfo.InvariantCulture));
            case ["fault-host", .. string[] settings]:
                await FaultChild.RunAsync(settings);
                return 0;
            case ["damaged-files", string name, string source, string scratch, .. string[] rest]:
                int[] numbers = [.. rest.Where((_, i) => i != 2).Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
                return await DamagedFileCheck.RunAsync(name, source, scratch, numbers[0], numbers[1], rest[2], numbers[2], numbers[3]);
            case [IndexAnswers.Name, string directory]:
                Console.WriteLine(await IndexAnswers.ComputeAsync(directory));
                return 0;
            case [NamespaceMemory.Name, string directory]:
                Console.WriteLine(await NamespaceMemory.MeasureAsync(directory));
                return 0;
            case [CallbackChild.Name, .. string[] settings]:
                await CallbackChild.RunAsync(settings);
                return 0;
            case [DocumentBombTests.Child, string directory, string size, .. string[] only]:
                await DocumentBombTests.RunAsync(directory, int.Parse(size, CultureInfo.InvariantCulture), only.FirstOrDefault(""));
                return 0;
            case [DeadlyChild.Name, .. string[] settings]:
                await DeadlyChild.RunAsync(settings);
                return 0;
            default:
                Console.Error.WriteLine("This assembly holds tests: run `dotnet test`.");
                return 2;
        }
    }

    /// <summary>Starts a child with additional environment variables and returns what it printed.</summary>
    public static Task<string> RunAsync(string name, params (string Name, string Value)[] environment) => RunAsync([name], environment);

    /// <summary>As the other one, for a piece that takes arguments after its name.</summary>
    public static Task<string> RunAsync(IReadOnlyList<string> nameAndArguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = StartInfo(nameAndArguments);
        foreach ((string variable, string value) in environment)
        {
            start.Environment[variable] = value;
        }

        return RunAsync(start);
    }

    /// <summary>Runs a child with another runtimeconfig.json.</summary>
    public static Task<string> RunConfiguredAsync(string configuration, string name)
    {
        ProcessStartInfo start = StartInfo([name]);
        start.ArgumentList.Insert(1, "--runtimeconfig");
        start.ArgumentList.Insert(2, configuration);
        return RunAsync(start);
    }

    /// <summary>Runs a child under another program, which gets its own arguments and then the child's command line.</summary>
    public static Task<string> RunUnderAsync(string program, IReadOnlyList<string> arguments, IReadOnlyList<string> nameAndArguments)
    {
        ProcessStartInfo start = StartInfo(nameAndArguments);
        string[] command = [.. arguments, start.FileName, .. start.ArgumentList];
        start.FileName = program;
        start.ArgumentList.Clear();
        foreach (string argument in command)
        {
            start.ArgumentList.Add(argument);
        }

        return RunAsync(start);
    }

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
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

    /// <summary>Starts a child; the caller reads what it prints.</summary>
    public static Process Start(params string[] nameAndArguments) => Process.Start(StartInfo(nameAndArguments))!;

    private static ProcessStartInfo StartInfo(IEnumerable<string> nameAndArguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(ChildProcess).Assembly.Location },
        };
        foreach (string argument in nameAndArguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}
