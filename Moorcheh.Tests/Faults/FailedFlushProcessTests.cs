using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// The system's own flush, made to fail: the runtime's does not tell, so only a real process with real failing calls shows that ours does.
/// </summary>
[Category("Faults")]
[NonParallelizable]
[CancelAfter(180_000)]
internal sealed class FailedFlushProcessTests
{
    private TemporaryDirectory _directory = null!;

    private string[] Manifests => [.. Directory.EnumerateFiles(Path.Combine(_directory.Path, "checkpoints"), "*.manifest").Order(StringComparer.Ordinal)];

    private string[] Journal => [.. Directory.EnumerateFiles(Path.Combine(_directory.Path, "journal")).Order(StringComparer.Ordinal)];

    [SetUp]
    public void SetUp()
    {
        SystemCallFaults.Require();
        _directory = new TemporaryDirectory();
    }

    [TearDown]
    public void TearDown() => _directory?.Dispose();

    [TestCase("EIO", "storage-read-only")]
    [TestCase("ENOSPC", "storage-full")]
    public async Task Sidecar_EveryFlushFails_IsReadOnlyAndSaysWhyUntilOneSucceeds(string error, string code)
    {
        bool isAccepted;
        await using (SidecarProcess sidecar = await StartAsync())
        {
            await sidecar.Api.CreateAsync("emb", 4);
            await sidecar.Api.UploadVectorsAsync("emb", ("a", [1, 0, 0, 0]));
            await using (await SystemCallFaults.StartAsync(sidecar.ProcessId, "fsync,fdatasync,syncfs", error))
            {
                string[] manifests = Manifests;
                string[] journal = Journal;

                // Refused when a checkpoint was tried before.
                ApiAnswer upload = await sidecar.Api.PostAsync("/namespaces/emb/vectors", """{"vectors":[{"id":"b","vector":[0,1,0,0]}]}""");
                Assert.That(upload.Status, Is.EqualTo(202).Or.EqualTo(507), upload.Text);
                isAccepted = upload.Status == 202;
                await StatusBecomesAsync(sidecar, "read-only");
                ApiAnswer refused = await sidecar.Api.PostAsync("/namespaces/emb/vectors", """{"vectors":[{"id":"c","vector":[0,0,1,0]}]}""");
                Assert.That(refused.Status, Is.EqualTo(507), refused.Text);
                Assert.That(refused.Text, Does.Contain($"\"code\":\"{code}\"").And.Contain("nothing was stored"));
                Assert.That(Manifests, Is.EqualTo(manifests), "No checkpoint counts.");
                Assert.That(Journal, Is.EqualTo(journal), "The journal is not cut.");
                Assert.That(sidecar.Output.Split("the store is read-only until").Length - 1, Is.EqualTo(1), sidecar.Output);
                Assert.That(sidecar.Output, Does.Contain($"Flushing '{_directory.Path}").And.Contain("to disk failed: "));
                (await sidecar.Api.PostAsync("/search", """{"namespaces":["emb"],"query":[1,0,0,0]}""")).AssertStatus(200);
            }

            await StatusBecomesAsync(sidecar, "ok");
            await sidecar.Api.UploadVectorsAsync("emb", ("c", [0, 0, 1, 0]));
            await sidecar.KillAsync();
        }

        await using SidecarProcess again = await StartAsync();
        ApiAnswer items = await again.Api.PostAsync("/namespaces/emb/items/get", """{"ids":["a","b","c"]}""");
        Assert.That(items.Text, Does.Contain("\"a\"").And.Contain("\"c\""));
        Assert.That(items.Text.Contains("\"b\"", StringComparison.Ordinal), Is.EqualTo(isAccepted), items.Text);
    }

    private Task<SidecarProcess> StartAsync() =>
        SidecarProcess.StartAsync(_directory.Path, "--embedding-provider", "none", "--checkpoint-seconds", "1");

    private static async Task StatusBecomesAsync(SidecarProcess sidecar, string status)
    {
        while (!(await sidecar.Api.GetAsync("/health")).Text.Contains($"\"status\":\"{status}\"", StringComparison.Ordinal))
        {
            await Task.Delay(50, TestStore.Token);
        }
    }
}
