using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar;

/// <summary>One process a directory, between real processes, whatever somebody does to the files of the lock.</summary>
[CancelAfter(120_000)]
[Platform(Exclude = "Win", Reason = "A file that is open cannot be removed there.")]
public class SidecarLockTests
{
    private static readonly string[] NoModel = ["--embedding-provider", "none"];

    private TemporaryDirectory _directory = null!;

    private string Data => Path.Combine(_directory.Path, "data");

    [SetUp]
    public void CreateDirectory() => _directory = new TemporaryDirectory();

    [TearDown]
    public void DeleteDirectory() => _directory.Dispose();

    /// <summary>By its own name and by way of a link; to open it, and to look after its files.</summary>
    [Test]
    public async Task LockFilesRemovedByHand_KeepOutASecondProcessAllTheSame()
    {
        string link = Path.Combine(_directory.Path, "link");
        Directory.CreateSymbolicLink(link, Data);
        await using SidecarProcess first = await SidecarProcess.StartAsync(Data, NoModel);
        await first.Api.CreateAsync("emb", 2);
        File.Delete(Path.Combine(Data, "lock"));
        File.Delete(Path.Combine(Data, "lock.pid"));

        foreach (string[] arguments in (string[][])[
            ["--server-port", "0", "--data-directory", Data, .. NoModel], ["--server-port", "0", "--data-directory", link, .. NoModel],
            ["--verify", Data], ["--repair", Data], ["--restore", Data, Path.Combine(_directory.Path, "copy")]])
        {
            (int exitCode, string output) = await SidecarProcess.RunToEndAsync(arguments);

            Assert.That(exitCode, Is.EqualTo(1), output);
            Assert.That(output, Does.Contain("' is open in process unknown; a store has one process at a time."), string.Join(' ', arguments));
        }

        Assert.That(Directory.Exists(Path.Combine(_directory.Path, "copy")), Is.False);
        Assert.That((await first.Api.UploadVectorsAsync("emb", ("a", [1, 0]))).Number("successful"), Is.EqualTo(1));
    }

    /// <summary>Nor does another file of that name, which another process made and holds, or nobody.</summary>
    [Test]
    public async Task LockFileReplacedByHand_KeepsOutASecondProcessAllTheSame()
    {
        await using SidecarProcess first = await SidecarProcess.StartAsync(Data, NoModel);
        string before = await File.ReadAllTextAsync(Path.Combine(Data, "lock.pid"));
        File.Delete(Path.Combine(Data, "lock"));
        await File.WriteAllTextAsync(Path.Combine(Data, "lock"), "");

        (int exitCode, string output) = await SidecarProcess.RunToEndAsync(["--server-port", "0", "--data-directory", Data, .. NoModel]);

        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain($"' is open in process {before}; a store has one process at a time."));
    }

    [Test]
    public async Task Killed_LetsTheNextOneIn()
    {
        for (int i = 0; i < 2; i++)
        {
            await using SidecarProcess sidecar = await SidecarProcess.StartAsync(Data, NoModel);
            await sidecar.KillAsync();
        }

        Assert.That(await StoreFiles.VerifyAsync(Data), Is.Empty);
    }
}
