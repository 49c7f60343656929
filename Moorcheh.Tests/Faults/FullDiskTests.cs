using System.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Faults;

/// <summary>A store on a volume of 8 MiB that fills up, and grows. Needs root, to mount the volume.</summary>
[Category("Faults")]
[CancelAfter(120_000)]
internal sealed class FullDiskTests
{
    private const int Dimension = 64;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private TemporaryDirectory _directory = null!;
    private readonly List<VectorItem> _stored = [];
    private bool _isMounted;

    [SetUp]
    public void Mount()
    {
        _directory = new TemporaryDirectory();
        _stored.Clear();
        _isMounted = false;
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("Mounting a volume needs Linux and root.");
        }

        if (Run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", _directory.Path) is { Length: > 0 } error)
        {
            Assert.Ignore($"A volume cannot be mounted here: {error}");
        }

        _isMounted = true;
    }

    [TearDown]
    public void Unmount()
    {
        if (_isMounted)
        {
            Assert.That(Run("umount", _directory.Path), Is.Empty);
        }

        _directory.Dispose();
    }

    [Test]
    public async Task Upload_DiskFull_IsRefusedAndComesBackWithoutARestart()
    {
        await using MoorchehStore store = await OpenAsync(_directory, SmallOptions());
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
        await store.CreateNamespaceAsync("other", NamespaceKind.Vector, Dimension);
        await FillAsync(store);
        Assert.That(store.GetStatus().ReadOnlyReason, Is.Null.Or.Contains("free"));
        await CheckReadsAsync(store);
        await DeleteAsync(store);
        await (await store.DeleteNamespaceAsync("other")).WaitAsync(Token);

        // Somebody else takes the rest: there is not even room for the journal of a delete, or only thanks to the reserve.
        await TakeTheRestAsync();
        await RefusedSoonAsync(() => store.UploadVectorsAsync("emb", Batch(1000)), "Storage is full; nothing was stored.");
        Assert.That(store.GetStatus().ReadOnlyReason, Is.Not.Null);
        await CheckCrashAsync(); // No commit came after the refusal.
        await DeleteAsync(store);
        await CheckReadsAsync(store);

        Assert.That(Run("mount", "-o", "remount,size=64m", _directory.Path), Is.Empty);
        VectorItem[] more = Batch(2000);
        await store.StoreAsync("emb", more);
        _stored.AddRange(more);
        await CheckReadsAsync(store);
        Assert.That(store.GetStatus().ReadOnlyReason, Is.Null);
        await store.CheckpointAsync(Token);
    }

    [Test]
    public async Task Open_DiskFull_ReadsAndGoesOnWhenThereIsRoom()
    {
        await using (MoorchehStore store = await OpenAsync(_directory, SmallOptions()))
        {
            await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, Dimension);
            await FillAsync(store);
            await TakeTheRestAsync();
        }

        await using MoorchehStore again = await OpenAsync(_directory, SmallOptions());
        await CheckReadsAsync(again);
        await RefusedSoonAsync(() => again.UploadVectorsAsync("emb", Batch(1000)), "Storage is full; nothing was stored.");
        await RefusedSoonAsync(() => again.CreateNamespaceAsync("new", NamespaceKind.Text), "Storage is full; nothing was stored.");
        await CheckCrashAsync();
        Assert.That(Run("mount", "-o", "remount,size=64m", _directory.Path), Is.Empty);
        VectorItem[] more = Batch(2000);
        await again.StoreAsync("emb", more);
        _stored.AddRange(more);
        await CheckReadsAsync(again);
    }

    /// <summary>
    /// A sidecar is killed behind its answers: what it refused has not happened, what it accepted has, and what it did not know is as the status of the job says.
    /// </summary>
    [Test]
    public async Task Sidecar_KilledBehindItsAnswers_HasDoneWhatItSaid([Values] bool isRoomBefore)
    {
        const int Namespaces = 200;
        string data = Path.Combine(_directory.Path, "data");
        string[] settings = ["--min-free-bytes", "0", "--embedding-provider", "none", "--memory-budget-bytes", $"{(32 << 20)}"];
        List<(string Name, ApiAnswer Answer)> answers = [];
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(data, settings))
        {
            for (int i = 0; i < Namespaces; i++)
            {
                await sidecar.Api.CreateAsync($"n{i}", Dimension);
            }

            for (int i = 0; i < Namespaces && answers.Count(one => one.Answer.Status == 507) < 2; i++)
            {
                await TakeTheRestAsync();
                answers.Add(($"n{i}", await sidecar.Api.DeleteAsync($"/namespaces/n{i}")));
            }

            Assert.That(answers.Select(one => one.Answer.Status).Distinct().ToArray(), Is.EqualTo((int[])[202, 504, 507]));
            if (isRoomBefore)
            {
                File.Delete(Path.Combine(_directory.Path, "foreign"));
                string unknown = answers.First(one => one.Answer.Status == 504).Answer.String("job_id")!;
                while ((await sidecar.Api.GetAsync($"/jobs/{unknown}"))["job"].TryGetProperty("accepted", out _))
                {
                    await Task.Delay(5, Token);
                }
            }

            await sidecar.KillAsync();
        }

        File.Delete(Path.Combine(_directory.Path, "foreign"));
        await using SidecarProcess again = await SidecarProcess.StartAsync(data, settings);
        foreach ((string name, ApiAnswer answer) in answers)
        {
            bool isKnown = answer.Status != 507 && (await again.Api.GetAsync($"/namespaces/{name}/delete-jobs/{answer.String("job_id")}?wait=30")).Status == 200;
            bool isGone = (await again.Api.PostAsync("/namespaces", new { namespace_name = name, type = "text" })).Status == 201;
            Assert.That((isGone, isKnown), Is.EqualTo(answer.Status switch
            {
                202 => (true, true),
                507 => (false, false),
                _ => (isKnown, isRoomBefore || isKnown),
            }), $"{name}: {answer.Text}");
        }
    }

    private static MoorchehOptions SmallOptions()
    {
        MoorchehOptions options = Options();
        options.Storage.MinFreeBytes = 1 << 20;
        return options;
    }

    private static VectorItem[] Batch(int number) => TestVectors.Items(number, 200, Dimension, $"b{number}-");

    /// <summary>A busy machine may hold up a call; a store that waits for something holds up each of them.</summary>
    private static async Task RefusedSoonAsync(Func<Task> call, string message)
    {
        const int Calls = 5;
        TimeSpan least = TimeSpan.MaxValue;
        for (int i = 0; i < Calls && least >= Soon; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await RefusedAsync(call, ErrorCodes.StorageFull, message);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            least = took < least ? took : least;
        }

        Assert.That(least, Is.LessThan(Soon), "The promise is 2 seconds.");
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? string.Empty : $"{program} ended with {process.ExitCode}: {error}";
    }

    private async Task FillAsync(MoorchehStore store)
    {
        for (int number = 0; ; number++)
        {
            Assert.That(number, Is.LessThan(200), "8 MiB hold less.");
            VectorItem[] batch = Batch(number);
            try
            {
                await (await store.UploadVectorsAsync("emb", batch)).WaitAsync(Token);
                _stored.AddRange(batch);
            }
            catch (MoorchehException e) when (e.Code == ErrorCodes.StorageFull)
            {
                Assert.That(number, Is.GreaterThan(3), "Some of it fits.");
                return;
            }
        }
    }

    private async Task TakeTheRestAsync()
    {
        await using var foreign = new FileStream(Path.Combine(_directory.Path, "foreign"), FileMode.Append, FileAccess.Write, FileShare.Read, 0);
        byte[] block = new byte[4096];
        try
        {
            while (true)
            {
                await foreign.WriteAsync(block);
            }
        }
        catch (IOException)
        {
            Assert.That(new DriveInfo(_directory.Path).AvailableFreeSpace, Is.Zero);
        }
    }

    private async Task DeleteAsync(MoorchehStore store)
    {
        string id = _stored[^1].Id;
        Assert.That((await store.DeleteItemsAsync("emb", [id])).DeletedIds, Is.EqualTo(new[] { id }));
        _stored.RemoveAt(_stored.Count - 1);
    }

    /// <summary>What a kill now leaves, seen on a disk with room, is what was stored.</summary>
    private async Task CheckCrashAsync()
    {
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(_directory.Path, copy.Path);
        await using MoorchehStore crashed = await OpenAsync(copy, Options());
        Assert.That(crashed.Jobs.List(new JobFilter { State = JobState.Running }), Is.Empty);
        Assert.That((crashed.GetNamespace("emb").ItemCount, crashed.FindNamespace("new")), Is.EqualTo(((long)_stored.Count, (NamespaceInfo?)null)));
    }

    private async Task CheckReadsAsync(MoorchehStore store)
    {
        float[] query = TestVectors.Gaussian(new Random(_stored.Count), Dimension);
        Assert.That(await store.FindAsync(new SearchRequest("emb", query)), Is.EqualTo(BruteForce.Nearest(_stored, query, 10)));
        Assert.That(await store.GetItemsAsync("emb", [_stored[0].Id]), Has.Count.EqualTo(1));
        Assert.That(store.GetNamespace("emb").ItemCount, Is.EqualTo(_stored.Count));
    }
}
