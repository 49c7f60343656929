using Moorcheh.Artifacts;
using Moorcheh.Tests.Artifacts;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Jobs;

/// <summary>Tasks on artifacts are jobs where their kind is asked for, and nowhere else.</summary>
[CancelAfter(60_000)]
internal sealed class TaskListTests : ArtifactFixture
{
    [Test]
    public async Task List_KindOfTask_HasThoseWithAnIdToLookUp()
    {
        ArtifactTaskStatus first = await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", "x")), ArtifactTaskState.Success);
        ArtifactTaskStatus other = await EndedAsync(await Artifacts.StartIngestAsync(Text("more", "b", "x")), ArtifactTaskState.Success);
        ArtifactTaskStatus delete = await EndedAsync(await Artifacts.StartDeleteAsync("docs", "a"), ArtifactTaskState.Success);
        ArtifactTaskStatus failed = await EndedAsync(await Artifacts.StartDeleteAsync("docs", "none"), ArtifactTaskState.Failure);
        await Artifacts.IngestAsync(Text("docs", "c", "somebody waits for it"), Token);
        await Artifacts.DeleteAsync("docs", "c", Token);
        AssertLists();
        await ReopenAsync();
        AssertLists();

        void AssertLists()
        {
            Assert.That(Of(new JobFilter { Kind = JobKind.ArtifactIngest }), Is.EquivalentTo((ArtifactTaskStatus[])[first, other]));
            Assert.That(Of(new JobFilter { Kind = JobKind.ArtifactIngest, Namespace = "docs" }), Is.EqualTo((ArtifactTaskStatus[])[first]));
            Assert.That(Of(new JobFilter { Kind = JobKind.ArtifactDelete }), Is.EquivalentTo((ArtifactTaskStatus[])[delete, failed]));
            Assert.That(Of(new JobFilter { Kind = JobKind.ArtifactDelete, State = JobState.Failed }), Is.EqualTo((ArtifactTaskStatus[])[failed]));
            Assert.That(Of(new JobFilter()), Is.Empty);
            Assert.That(Of(new JobFilter { Namespace = "docs" }), Is.Empty);
            Assert.That(Of(new JobFilter { State = JobState.Failed }), Is.Empty);
        }

        IReadOnlyList<JobStatus> Of(JobFilter filter) => Store.Jobs.List(filter);
    }
}
