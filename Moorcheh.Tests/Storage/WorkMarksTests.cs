using Moorcheh.Storage;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Storage;

[CancelAfter(60_000)]
internal sealed class WorkMarksTests
{
    private TemporaryDirectory _directory = null!;

    private string PathOf => Path.Combine(_directory.Path, "working");

    [SetUp]
    public void Create() => _directory = new TemporaryDirectory();

    [TearDown]
    public void Delete() => _directory.Dispose();

    [Test]
    public async Task Left_IsWhatWasAtWork()
    {
        WorkKey[] works = [.. Enumerable.Range(0, WorkMarks.MaxWorks).Select(_ => Job())];
        WorkKey message = new(WorkKind.Callback, Guid.NewGuid(), 7);
        WorkKey index = new(WorkKind.Index, Guid.NewGuid());
        using var marks = new WorkMarks(PathOf, Disk.Default);
        Assert.That(marks.Left, Is.Empty);
        using (await marks.BeginAsync([Job()], 0))
        {
            _ = await marks.BeginAsync(works, 0);
        }

        _ = await marks.BeginAsync([message], 1); // In the slot that became free.
        _ = await marks.BeginAsync([index], 0);
        using var next = new WorkMarks(PathOf, Disk.Default);
        Assert.That(next.Left, Is.EquivalentTo(works.Append(message).Append(index)));
        next.Clear();
        using var afterwards = new WorkMarks(PathOf, Disk.Default);
        Assert.That(afterwards.Left, Is.Empty);
    }

    [Test]
    public async Task Left_AfterAClose_IsNothing()
    {
        using (var marks = new WorkMarks(PathOf, Disk.Default))
        {
            _ = await marks.BeginAsync([Job()], 0); // Closing did not wait for it.
        }

        using var next = new WorkMarks(PathOf, Disk.Default);
        Assert.That(next.Left, Is.Empty);
    }

    [Test]
    public async Task Left_SlotIsTorn_IsWithoutIt()
    {
        WorkKey[] works = [Job(), Job(), Job()];
        using var marks = new WorkMarks(PathOf, Disk.Default);
        foreach (WorkKey work in works)
        {
            _ = await marks.BeginAsync([work], 0);
        }

        byte[] bytes = await File.ReadAllBytesAsync(PathOf, Token);
        bytes[8192 + 30] ^= 1; // In the id of the second.
        await File.WriteAllBytesAsync(PathOf, bytes[..^3], Token); // Into the id of the third.
        using var next = new WorkMarks(PathOf, Disk.Default);
        Assert.That(next.Left, Is.EqualTo((WorkKey[])[works[0]]));
    }

    [Test]
    public async Task Begin_DiskTakesNothing_HoldsNothingUp()
    {
        using var marks = new WorkMarks(PathOf, new ReadOnlyDisk());
        using (await marks.BeginAsync([Job()], 1))
        {
        }

        using var absent = new WorkMarks(Path.Combine(_directory.Path, "no", "such", "directory"), Disk.Default);
        using (await absent.BeginAsync([Job()], 1))
        {
        }
    }

    /// <summary>Work that two processes ended with begins when no other is under way, and no other begins beside it.</summary>
    [Test]
    public async Task Begin_SawTwoEnds_RunsAlone()
    {
        using var marks = new WorkMarks(PathOf, Disk.Default);
        WorkMarks.Mark first = await marks.BeginAsync([Job()], 1);
        ValueTask<WorkMarks.Mark> alone = marks.BeginAsync([Job()], 2);
        Assert.That(alone.IsCompleted, Is.False);
        ValueTask<WorkMarks.Mark> behind = marks.BeginAsync([Job()], 0);
        Assert.That(behind.IsCompleted, Is.False);
        first.Dispose();
        WorkMarks.Mark second = await alone;
        Assert.That(behind.IsCompleted, Is.False);
        second.Dispose();
        (await behind).Dispose();
    }

    private static WorkKey Job() => new(WorkKind.Job, Guid.NewGuid());

    private sealed class ReadOnlyDisk : Disk
    {
        public override void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset) => throw new IOException("No space left on device");

        public override void SetLength(DiskFile file, long length) => throw new IOException("No space left on device");
    }
}
