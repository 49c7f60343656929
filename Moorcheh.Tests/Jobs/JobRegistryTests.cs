using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Jobs;

namespace Moorcheh.Tests.Jobs;

/// <summary>A job finishes once, whatever still comes of whoever worked on it.</summary>
internal sealed class JobRegistryTests
{
    [Test]
    public void Start_OfATaskThatWasRevokedMeanwhile_FinishesItNoSecondTime()
    {
        var at = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var options = new MoorchehOptions { Artifacts = { MaxPendingTasks = 1 } };
        var jobs = new JobRegistry(options, null!, NullLogger.Instance);
        ArtifactTaskEntry revoked = Accept();
        jobs.End(revoked, ArtifactTaskState.Revoked, null, null, isSkipped: false, at.AddSeconds(1));
        Accept(); // Has the only place now.

        jobs.Start(revoked, at.AddSeconds(2));

        Assert.That(revoked.Status.FinishedAt, Is.EqualTo(at.AddSeconds(1)), "The age that finished jobs are kept by.");
        Assert.That(revoked.Status.TaskState, Is.EqualTo(ArtifactTaskState.Revoked));
        Assert.That(() => Accept(), Throws.TypeOf<MoorchehException>().With.Property("Code").EqualTo(ErrorCodes.QueueFull), "Its room was given back twice.");

        ArtifactTaskEntry Accept()
        {
            var task = new ArtifactTaskEntry(Guid.NewGuid(), "docs", "a", isIngest: true, at, firstAddress: 64);
            jobs.Reserve(task.Room);
            jobs.AddUnaccepted(task);
            jobs.Accept(task);
            return task;
        }
    }
}
