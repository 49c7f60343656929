using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Storage;

/// <summary>What a store keeps is nobody else's to read: neither files nor directories of it are open to group or others.</summary>
[Platform(Exclude = "Win", Reason = "There are no modes.")]
[UnsupportedOSPlatform("windows")]
[CancelAfter(60_000)]
internal sealed class PrivateFilesTests
{
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateDirectory = PrivateFile | UnixFileMode.UserExecute;
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Store_AllThatItMakes_IsForItsOwnerOnly()
    {
        string root = Path.Combine(_directory.Path, "above", "data");
        string snapshot = Path.Combine(_directory.Path, "snapshot");
        await using (MoorchehStore store = await MoorchehStore.OpenAsync(root, Options()))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 4);
            for (int round = 0; round < 3; round++)
            {
                await store.StoreAsync("emb", TestVectors.Items(round, 10, 4, $"r{round}-"));
                await store.CheckpointAsync(Token);
            }

            await store.SnapshotAsync(snapshot, Token);
            AssertPrivate(root); // While it runs: the lock, and what a closing removes.
        }

        AssertPrivate(Path.Combine(_directory.Path, "above"));
        AssertPrivate(snapshot);
    }

    [Test]
    public async Task Open_DirectoryThatOthersCanEnter_IsNamedInAWarning()
    {
        File.SetUnixFileMode(_directory.Path, Everybody);
        var logger = new RecordingLogger();
        MoorchehOptions options = Options();
        options.LoggerFactory = LoggerFactory.Create(logging => logging.AddProvider(logger));
        await using (await TestStore.OpenAsync(_directory, options))
        {
            Assert.That(logger.Entries.Select(entry => entry.Message), Has.Some.Contains(_directory.Path).And.Some.Contains("777"));
            Assert.That(File.GetUnixFileMode(_directory.Path), Is.EqualTo(Everybody), "It is not ours to change.");
            foreach (string part in Directory.EnumerateDirectories(_directory.Path))
            {
                AssertPrivate(part);
            }
        }
    }

    [Test]
    public async Task Open_StoreOfABuildThatLeftModesToTheUmask_ClosesItsDirectories()
    {
        await (await TestStore.OpenAsync(_directory)).DisposeAsync();
        string journal = Path.Combine(_directory.Path, "journal");
        File.SetUnixFileMode(journal, Everybody);
        await (await TestStore.OpenAsync(_directory)).DisposeAsync();
        Assert.That(File.GetUnixFileMode(journal), Is.EqualTo(PrivateDirectory));
    }

    private static void AssertPrivate(string directory)
    {
        Assert.That(File.GetUnixFileMode(directory), Is.EqualTo(PrivateDirectory), directory);
        foreach (string path in Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories))
        {
            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(Directory.Exists(path) ? PrivateDirectory : PrivateFile), path);
        }
    }
}
