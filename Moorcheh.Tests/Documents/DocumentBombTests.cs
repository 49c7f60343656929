using System.Globalization;
using System.Runtime;
using Moorcheh.Artifacts;
using Moorcheh.Documents;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Documents;

/// <summary>
/// Whatever a document is, reading it takes no more memory than a bound, measured as the most memory of a process that reads four at once, as the
/// workers of a store do: nested, wide, attribute and text bombs in each format.
/// </summary>
[NonParallelizable]
[Platform("Linux")]
internal sealed class DocumentBombTests
{
    /// <summary>The name of the child.</summary>
    public const string Child = "document-bombs";

    // A number of MiB to make the files of; the default fits into a few seconds, 48 is what a request can carry.
    private const string SizeVariable = "MOORCHEH_BOMB_MIB";

    private const int DefaultSize = 8;

    private static readonly int Workers = new MoorchehOptions().Artifacts.Workers;

    /// <summary>What docs/artifacts.md says: for each document that is read.</summary>
    private static long MaxKiB(int size) => Workers * (size <= DefaultSize ? 160L : 320L) << 10;

    [Test]
    [CancelAfter(600_000)]
    public async Task Read_Bombs_StaysWithinItsMemory()
    {
        string size = Environment.GetEnvironmentVariable(SizeVariable) is { Length: > 0 } given ? given : $"{DefaultSize}";
        using var directory = new TemporaryDirectory();
        string output = await ChildProcess.RunAsync([Child, directory.Path, size]);
        await TestContext.Out.WriteLineAsync(output);
        Dictionary<string, string[]> lines = output.Split('\n').Select(line => line.Split('|')).ToDictionary(line => line[0]);
        Assert.Multiple(() =>
        {
            foreach ((string name, string reason, Func<int, byte[]> _) in DocumentBombs.All)
            {
                Assert.That(lines, Does.ContainKey(name));
                Assert.That(lines[name][1], Is.EqualTo(InvalidFile.Create(reason).Message), name);
                Assert.That(long.Parse(lines[name][2], CultureInfo.InvariantCulture), Is.LessThan(MaxKiB(int.Parse(size, CultureInfo.InvariantCulture))), $"{name}: KiB more than before.");
            }
        });
    }

    /// <summary>The child: reads each bomb with all workers at once and prints how that ended and how much more memory the process had meanwhile.</summary>
    public static async Task RunAsync(string directory, int size, string only)
    {
        using var embedder = new TestEmbedder();
        MoorchehOptions options = TestStore.Options(embedder);
        options.Artifacts.ChunkTokens = 32; // A bomb is to be read, not to be stored.
        options.Artifacts.Readers.Add(new HtmlReader());
        options.Artifacts.Readers.Add(new DocxReader());
        options.Artifacts.Readers.Add(new PdfReader());
        options.Artifacts.Readers.Add(new XlsxReader());
        options.Artifacts.Readers.Add(new PptxReader());
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, options);
        foreach ((string name, string _, Func<int, byte[]> make) in DocumentBombs.All.Where(bomb => bomb.Name.Contains(only, StringComparison.Ordinal)))
        {
            byte[] content = make(size);
            GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            await File.WriteAllTextAsync("/proc/self/clear_refs", "5"); // The most memory is from here on.
            long before = PeakKiB();
            ArtifactTaskStatus[] tasks = new ArtifactTaskStatus[Workers];
            for (int i = 0; i < Workers; i++)
            {
                tasks[i] = await store.Artifacts.StartIngestAsync(new ArtifactIngest("c", $"{name}{i}", ArtifactInput.FromFile(content, name)));
            }

            for (int i = 0; i < Workers; i++)
            {
                tasks[i] = (await store.Artifacts.WaitAsync(tasks[i].Id))!;
            }

            Console.WriteLine($"{name}|{string.Join("; ", tasks.Select(task => task.LastError ?? "stored").Distinct())}|{PeakKiB() - before}|{content.Length}");
        }
    }

    private static long PeakKiB() => long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))[6..^3], CultureInfo.InvariantCulture);
}
