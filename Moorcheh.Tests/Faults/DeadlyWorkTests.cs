using System.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// Work that ends the process is given up after five ends, with that cause; what merely was at work beside it, or waited, is carried out. Real
/// processes that fail fast.
/// </summary>
[Category("Faults")]
[CancelAfter(240_000)]
internal sealed class DeadlyWorkTests
{
    private const int MaxEnds = 5;
    private const string Cause = "The process ended 5 times while it was worked on.";

    [TestCase("upload", $"upload slow 1/1|upload texts 0/1 The upload cannot go on: {Cause}|upload texts 1/1|upload texts 1/1")]
    [TestCase("ingest", $"artifact b|task a Failure process-ended The ingestion cannot go on: {Cause}|task b Success|upload slow 1/1")]
    [TestCase("reader", $"task a Failure process-ended The ingestion cannot go on: {Cause}|upload slow 1/1")]
    [TestCase("delete namespace", $"delete emb Failed Could not remove items of namespace 'emb': {Cause}|upload emb 10/10|upload slow 1/1")]
    [TestCase("delete artifact", $"artifact a|task a Failure process-ended Could not remove artifact 'a': {Cause}|upload slow 1/1")]
    [TestCase("callback", "artifact a|artifact b|task a Success|task b Success|upload slow 1/1")]
    [TestCase("index", "upload emb 10000/10000|upload emb 10000/10000|upload emb 10000/10000|upload emb 10000/10000|upload emb 10000/10000|upload emb 10000/10000|upload emb 10000/10000|upload slow 1/1")]
    public async Task Work_EndsTheProcess_IsGivenUpAfterFiveEnds(string work, string expected)
    {
        using var directory = new TemporaryDirectory();
        string data = Path.Combine(directory.Path, "data");
        int ends = 0;
        while (true)
        {
            (int exitCode, string output, string errors) = await RunAsync(data, work);
            if (exitCode == 0)
            {
                Assert.That(output.Trim().ReplaceLineEndings("|"), Is.EqualTo(expected));
                break;
            }

            Assert.That(errors, Does.Contain($"This {work} ends the process."));
            ends++;
            Assert.That(ends, Is.LessThanOrEqualTo(MaxEnds), "It is tried for ever.");
        }

        Assert.That(ends, Is.EqualTo(MaxEnds));
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string directory, string work)
    {
        using Process child = ChildProcess.Start(DeadlyChild.Name, directory, work);
        try
        {
            Task<string> errors = child.StandardError.ReadToEndAsync(Token);
            string output = await child.StandardOutput.ReadToEndAsync(Token);
            await child.WaitForExitAsync(Token);
            return (child.ExitCode, output, await errors);
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill(entireProcessTree: true); // The test was cancelled: its directory is removed next.
            }
        }
    }
}
