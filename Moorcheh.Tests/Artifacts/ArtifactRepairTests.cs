using System.Text;
using Moorcheh.Artifacts;
using Moorcheh.Tests.Callbacks;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Artifacts;

/// <summary>A repair drops an artifact as a whole when a part of it cannot be read, and keeps all of the others, and the messages that wait.</summary>
internal sealed class ArtifactRepairTests : CallbackFixture
{
    private const int Count = 12;
    private const int Chunks = 20;

    [Test]
    public async Task Repair_DamagedChunk_DropsTheWholeArtifactWhenAskedOnly()
    {
        for (int i = 0; i < Count; i++)
        {
            await Artifacts.IngestAsync(Text("docs", $"a{i}", Lines(Chunks, $"word{i}x"), $$"""{"number":{{i}}}"""));
        }

        Publisher.OnPublish = (_, stop) => FakePublisher.Hang(stop);
        ArtifactTaskStatus task = await EndedAsync(await Artifacts.StartIngestAsync(Text("c 1/ü", "hidden", "one"), Plain), ArtifactTaskState.Success);

        // Enough behind them that they are not in the last page of the record log.
        await Store.CreateNamespaceAsync("emb", NamespaceKind.Vector, 8);
        await Store.StoreAsync("emb", [.. TestVectors.Items(3, 1200, 8).Select(item => item with { Metadata = TestStore.Metadata("pad", new string('p', 4000)) })]);
        await Store.DisposeAsync();
        Flip(Path.Combine(Data.Path, "records", "records.log.0"), "word5x11 ");

        StoreRepair found = await StoreFiles.RepairAsync(Data.Path, dropDamaged: false);
        Assert.That(found.IsSound, Is.False);
        Assert.That(found.Lost, Does.Contain("Artifact 'a5' of collection 'docs'."));
        Assert.That(found.Lost, Has.Count.LessThanOrEqualTo(3), "4 KiB are a part of an artifact.");
        StoreRepair repaired = await StoreFiles.RepairAsync(Data.Path, dropDamaged: true);
        Assert.That(repaired.Lost, Is.EqualTo(found.Lost));
        Assert.That(repaired.IsSound, Is.True);
        Assert.That(await StoreFiles.VerifyAsync(Data.Path), Is.Empty);

        Publisher.OnPublish = null;
        Store = await TestStore.OpenAsync(Data, Options());
        await SentAsync();
        Assert.That(Say(Publisher.Of(task)), Is.EqualTo(WholeIngest));
        string[] kept = [.. Enumerable.Range(0, Count).Select(i => $"a{i}").Where(name => !found.Lost.Contains($"Artifact '{name}' of collection 'docs'."))];
        Assert.That(await ListAsync("docs"), Is.EqualTo(kept.Order(StringComparer.Ordinal)));
        foreach (string name in kept)
        {
            Assert.That(await ReadTextAsync("docs", name), Is.EqualTo(Lines(Chunks, $"word{name[1..]}x")));
            Assert.That((await Artifacts.ReadAsync("docs", name))!.Info.Metadata.ToString(), Does.Contain($"\"number\":{name[1..]}"));
        }

        Assert.That(Items, Is.EqualTo((kept.Length * Chunks) + 1200 + 1));
        Assert.That(await ReadTextAsync("c 1/ü", "hidden"), Is.EqualTo("one"));
        Assert.That((await Artifacts.FindResultAsync(task.JobId))!.Artifact, Is.EqualTo("hidden"));
        await Artifacts.IngestAsync(Text("docs", "a5", Lines(Chunks)));
        Assert.That(await ReadTextAsync("docs", "a5"), Is.EqualTo(Lines(Chunks)));
    }

    private static void Flip(string file, string marker)
    {
        byte[] bytes = System.IO.File.ReadAllBytes(file);
        int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(marker));
        Assert.That(at, Is.Positive);
        bytes[at] ^= 0x10;
        System.IO.File.WriteAllBytes(file, bytes);
    }
}
