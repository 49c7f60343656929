using System.CommandLine;
using BenchmarkDotNet.Running;
using Moorcheh.Benchmarks.Commands;

// The commands measure a whole run and print JSON lines; everything else goes to BenchmarkDotNet, for example `--filter '*'`.
var root = new RootCommand("Measurements of Moorcheh.")
{
    CallbacksCommand.Create(),
    DurabilityCommand.Create(),
    FilterCommand.Create(),
    IngestCommand.Create(),
    QualityCommand.Create(),
    SearchCommand.Create(),
};
if (args is not [string name, ..] || !root.Subcommands.Any(command => command.Name == name))
{
    BenchmarkSwitcher.FromAssembly(typeof(IngestCommand).Assembly).Run(args);
    return 0;
}

return await root.Parse(args).InvokeAsync();
