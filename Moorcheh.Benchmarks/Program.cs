using System.CommandLine;
using BenchmarkDotNet.Running;
using Moorcheh.Benchmarks.Commands;

// `ingest` and `search` measure a whole run and print JSON lines; everything else goes to BenchmarkDotNet, for example `--filter '*'`.
if (args is not ["ingest", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(IngestCommand).Assembly).Run(args);
    return 0;
}

var root = new RootCommand("Measurements of Moorcheh.") { IngestCommand.Create() };
return await root.Parse(args).InvokeAsync();
