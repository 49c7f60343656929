using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Tests.Documents;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Artifacts;

/// <summary>The sidecar as a process: off with one setting, killed in the middle of an ingest, and hostile documents.</summary>
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class ArtifactProcessTests
{
    [Test]
    public async Task Sidecar_ArtifactsOff_HasNoSuchRoute()
    {
        using var directory = new TemporaryDirectory();
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(directory.Path, "--embedding-provider", "none", "--artifacts", "false");
        (await sidecar.Api.GetAsync("/v1/artifacts/list?collection=c")).AssertError(404, "unknown-route", "No route GET /v1/artifacts/list.");
    }

    /// <summary>Step 27: the task ends SUCCESS after the restart, and nothing is stored twice. The built-in model embeds.</summary>
    [Test]
    public async Task Step27_KilledDuringAnIngest_ItIsDoneAfterTheRestart()
    {
        using var directory = new TemporaryDirectory();
        string text = string.Concat(Enumerable.Range(0, 400).Select(i => $"Paragraph {i} is about the cat on the windowsill, and about number {i * 7}.\n\n"));
        ApiAnswer started;
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(directory.Path, "--chunk-tokens", "32"))
        {
            started = await sidecar.Api.StartIngestAsync("c", "a", text);
            while ((await sidecar.Api.GetAsync($"/v1/artifacts/ingest/async/{started.String("task_id")}")).String("task_status") == "PENDING")
            {
                await Task.Delay(5, TestStore.Token);
            }

            await sidecar.KillAsync();
        }

        await using SidecarProcess again = await SidecarProcess.StartAsync(directory.Path, "--chunk-tokens", "32");
        Assert.That((await again.Api.EndedAsync("ingest", started)).String("task_status"), Is.EqualTo("SUCCESS"));
        ApiAnswer content = await again.Api.PostAsync("/v1/artifacts/content", """{"context_filter":{"collection":"c","artifacts":["a"]},"format":"object"}""");
        string[] chunks = [.. content["data"][0].GetProperty("content").GetProperty("children").EnumerateArray().Select(node => node.GetProperty("content").GetString()!)];
        Assert.That(string.Concat(chunks), Is.EqualTo(text));
        Assert.That((await again.Api.GetAsync("/health")).Number("items"), Is.EqualTo(chunks.Length));
        Assert.That(chunks, Has.Length.GreaterThan(200));
    }

    [Test]
    public async Task HostileDocuments_FailAsTasksAndTheServerStays()
    {
        await using TestServer server = await ArtifactServer.StartAsync();
        (string Name, byte[] Content, string Reason)[] documents =
        [
            ("words in one line.txt", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("word ", 8 << 20))), InvalidFile.TooManyNodes),
            ("no blanks.txt", [.. Enumerable.Repeat((byte)'x', 40 << 20)], InvalidFile.TooManyNodes),
            ("picture.txt", [0x89, (byte)'P', (byte)'N', (byte)'G', 0xFF, 0xFE], InvalidFile.Malformed),
            ("archive.docx", [(byte)'P', (byte)'K', 3, 4], InvalidFile.Malformed),
            ("archive.zip", [(byte)'P', (byte)'K', 3, 4], InvalidFile.Extension),
        ];
        foreach ((string name, byte[] content, string reason) in documents)
        {
            string body = $$$$"""{"ingest_body":{"artifact":"a","input":{"type":"file","value":"{{{{Convert.ToBase64String(content)}}}}"},"metadata":{"file_name":"{{{{name}}}}"}}}""";
            ApiAnswer task = await server.Api.EndedAsync("ingest", await server.Api.PostAsync("/v1/artifacts/ingest/async", Encoding.UTF8.GetBytes(body)));
            Assert.That(
                (task.String("task_status"), task.String("task_result")),
                Is.EqualTo(("FAILURE", $"InvalidFileError(errors=['zpgt.ingest.{reason}.error'], warnings=[])")),
                name);
        }

        Assert.That((await server.Api.IngestTextAsync("c", "a", "fine")).Status, Is.EqualTo(200));
        Assert.That(server.Log.Entries.Where(entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error), Is.Empty);
    }

    /// <summary>60 MB in one line, a zip bomb, elements inside each other and attributes without end, through the sidecar with the built-in model: all fail as tasks, and the process takes no more memory than a bound.</summary>
    [Test]
    [Platform("Linux")]
    public async Task HostileDocuments_TheProcessStaysWithinItsMemory()
    {
        const long MaxKiB = 1 << 20;
        using var directory = new TemporaryDirectory();
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(directory.Path);
        foreach ((string name, object input, string reason) in new (string, object, string)[]
        {
            ("line.txt", new { type = "text", value = string.Concat(Enumerable.Repeat("x ", 30_000_000)) }, InvalidFile.TooManyNodes),
            ("bomb.docx", new { type = "file", value = Convert.ToBase64String(ReaderTests.ZipBomb()) }, InvalidFile.Malformed),
            ("nested.docx", new { type = "file", value = Convert.ToBase64String(DocumentBombs.Make("nested.docx", 64)) }, InvalidFile.Malformed),
            ("attributes.html", new { type = "file", value = Convert.ToBase64String(DocumentBombs.Make("attributes.html", 16)) }, InvalidFile.NoNodes),
        })
        {
            ApiAnswer started = await sidecar.Api.PostAsync(
                "/v1/artifacts/ingest/async", new { ingest_body = new { artifact = name, collection = "c", input, metadata = new { file_name = name } } });
            ApiAnswer ended = await sidecar.Api.EndedAsync("ingest", started);
            Assert.That(ended.String("task_status"), Is.EqualTo("FAILURE"), $"{name}: {ended.Text}");
            Assert.That(ended.String("task_result"), Is.EqualTo($"InvalidFileError(errors=['zpgt.ingest.{reason}.error'], warnings=[])"), name);
        }

        Assert.That((await sidecar.Api.IngestTextAsync("c", "a", "fine")).Status, Is.EqualTo(200));
        Assert.That(sidecar.PeakMemoryKiB, Is.LessThan(MaxKiB));
        await TestContext.Out.WriteLineAsync($"Peak: {sidecar.PeakMemoryKiB} KiB.");
    }

    /// <summary>Step 26, its last part: without a broker a callback is accepted, and its message counted as dropped.</summary>
    [Test]
    public async Task Step26_NoBroker_TheTaskSucceedsAndTheMessageIsCounted()
    {
        using var counter = new CallbackCounter();
        await using TestServer server = await ArtifactServer.StartAsync();
        await server.Api.IngestTextAsync("c", "a", "x");
        ApiAnswer started = await server.Api.PostAsync(
            "/v1/artifacts/delete/async", """{"delete_body":{"collection":"c","artifact":"a"},"callback":{"amqp":{"exchange":"deletion_events"},"properties":{"k": 1.0}}}""");
        Assert.That((await server.Api.EndedAsync("delete", started)).String("task_status"), Is.EqualTo("SUCCESS"));
        while (counter.Dropped + counter.Sent == 0)
        {
            await Task.Delay(10, TestStore.Token);
        }

        Assert.That((counter.Dropped, counter.Sent), Is.EqualTo((1L, 0L)));
        Assert.That(server.Log.Entries.Select(entry => entry.Message), Has.Some.StartsWith($"Task {started.String("task_id")} has ended"));
    }
}
