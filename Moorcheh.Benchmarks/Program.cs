using System.CommandLine;
using BenchmarkDotNet.Running;
using Moorcheh.Benchmarks.Commands;

// `callbacks`, `durability`, `filters`, `ingest` and `search` measure a whole run and print JSON lines; everything else goes to BenchmarkDotNet, for example `--filter '*'`.
if (args is not ["callbacks" or "durability" or "filters" or "ingest" or "search", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(IngestCommand).Assembly).Run(args);
    return 0;
}

var root = new RootCommand("Measurements of Moorcheh.") { CallbacksCommand.Create(), DurabilityCommand.Create(), FilterCommand.Create(), IngestCommand.Create(), SearchCommand.Create() };
return await root.Parse(args).InvokeAsync();
