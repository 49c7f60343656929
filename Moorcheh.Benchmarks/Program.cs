using System.CommandLine;
using BenchmarkDotNet.Running;
using Moorcheh.Benchmarks.Commands;

// `callbacks`, `durability`, `ingest`, `search` and `search-text` measure a whole run and print JSON lines; everything else goes to BenchmarkDotNet, for example `--filter '*'`.
if (args is not ["callbacks" or "durability" or "ingest" or "search" or "search-text", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(IngestCommand).Assembly).Run(args);
    return 0;
}

var root = new RootCommand("Measurements of Moorcheh.")
{
    CallbacksCommand.Create(), DurabilityCommand.Create(), IngestCommand.Create(), SearchCommand.Create(), SearchTextCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
