using System.Collections.Concurrent;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Callbacks;

/// <summary>
/// The files are copied at each named place, as a kill at that moment would leave them, and the copy is opened: every message that was not sent
/// before is sent then, a repeated one has the same bytes, and of each task the messages come in order.
/// </summary>
internal sealed class CallbackCrashTests : CallbackFixture
{
    private static IEnumerable<TestCaseData> Points() =>
    [
        .. CrashPoints.Artifacts.SelectMany(_ => new[] { 1, 2, 4 }, (point, pass) => new TestCaseData(point, pass)),
        .. CrashPoints.Callbacks.SelectMany(_ => new[] { 1, 5, 8, 12 }, (point, pass) => new TestCaseData(point, pass)),
        .. new[] { 1, 2 }.Select(pass => new TestCaseData(CrashPoints.CheckpointRecordsWritten, pass)),
    ];

    private protected override MoorchehOptions Options()
    {
        MoorchehOptions options = base.Options();
        options.Embedding.BatchItems = 5;
        return options;
    }

    [TestCaseSource(nameof(Points))]
    public async Task Kill_AtEachPoint_EveryMessageArrivesInOrderWithTheSameBytes(string point, int pass)
    {
        using var copy = new TemporaryDirectory();
        int left = pass;
        IReadOnlyList<CallbackMessage> sent = [];
        CrashPoints.Reached = reached =>
        {
            if (reached == point && Interlocked.Decrement(ref left) == 0)
            {
                // A copy takes time; a process that is killed sends nothing meanwhile.
                lock (Publisher.Taking)
                {
                    sent = Publisher.Taken;
                    CrashCopy.Take(Data.Path, copy.Path);
                }
            }
        };
        ConcurrentQueue<ArtifactTaskStatus> tasks = await RunAsync();
        await SentAsync();
        CrashPoints.Reached = null;
        Assert.That(left, Is.LessThanOrEqualTo(0), "The point was not reached.");
        var after = new FakePublisher();
        Dictionary<string, ArtifactTaskStatus> known;
        MoorchehOptions options = Options();
        options.Artifacts.CallbackPublisher = after;
        await using (MoorchehStore crashed = await OpenAsync(copy, options))
        {
            await UntilAsync(() => crashed.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
            known = tasks.Select(task => crashed.Artifacts.FindTask(task.Id)).Where(task => task is not null).ToDictionary(task => task!.Id, task => task!);
        }

        foreach (ArtifactTaskStatus task in known.Values)
        {
            CallbackMessage[] all = [.. sent.Concat(after.Taken).Where(message => message.MessageId.StartsWith(task.Id, StringComparison.Ordinal))];
            foreach (IGrouping<string, CallbackMessage> same in all.GroupBy(message => message.MessageId))
            {
                Assert.That(same.Select(message => (message.Text(), message.RoutingKey)).Distinct().Count(), Is.EqualTo(1), "The same id, but other bytes.");
            }

            CallbackMessage[] once = [.. all.DistinctBy(message => message.MessageId)];
            Assert.That(once.Select(message => message.Number()), Is.Ordered.Ascending, "Not in order.");
            AssertSays(task, Say(once));
        }

        await using MoorchehStore again = await OpenAsync(copy, options);
        Assert.That(again.GetStatus().WaitingCallbacks, Is.Zero);
    }

    private static void AssertSays(ArtifactTaskStatus task, string[] said)
    {
        string[] steps = task.IsIngest ? ["Validation", "Parse", "Storage"] : ["Deletion"];
        string what = $"{task.TaskState}: {string.Join(", ", said)}";
        (int Step, double Percentage)[] progress =
        [
            .. said.Where(one => one.Contains(' ', StringComparison.Ordinal)).Select(one => one.Split(' '))
                .Select(one => (Array.IndexOf(steps, one[0]), double.Parse(one[1], System.Globalization.CultureInfo.InvariantCulture))),
        ];
        Assert.That(progress, Is.EqualTo(progress.Order()), what);
        Assert.That(progress, Is.Unique, what);
        string[] ends = [.. said.Where(one => !one.Contains(' ', StringComparison.Ordinal))];
        switch (task.TaskState)
        {
            case ArtifactTaskState.Success:
                Assert.That(ends, Is.EqualTo((string[])["done"]), what);
                Assert.That(said[^1], Is.EqualTo("done"), what);
                Assert.That(said, Is.SupersetOf(steps.SelectMany(step => (string[])[$"{step} 0.0", $"{step} 100.0"])), what);
                break;
            case ArtifactTaskState.Failure:
                Assert.That(ends, Is.EqualTo((string[])["error"]), what);
                Assert.That(said[^1], Is.EqualTo("error"), what);
                break;
            default:
                Assert.That(ends, Is.Empty, what);
                break;
        }
    }

    private async Task<ConcurrentQueue<ArtifactTaskStatus>> RunAsync()
    {
        var tasks = new ConcurrentQueue<ArtifactTaskStatus>();
        ArtifactCallback callback = WithProgress with { Properties = ItemMetadata.Parse("""{"k":"v"}""") };
        async Task IngestAsync(string artifact, string text) => tasks.Enqueue(await Artifacts.StartIngestAsync(Text("docs", artifact, text), callback));
        async Task DeleteAsync(string artifact) => tasks.Enqueue(await Artifacts.StartDeleteAsync("docs", artifact, callback));
        async Task EndedAsync()
        {
            foreach (ArtifactTaskStatus task in tasks)
            {
                await Artifacts.WaitAsync(task.Id, Token);
            }
        }

        await IngestAsync("a", Lines(20));
        await IngestAsync("b", "");
        await IngestAsync("c", Lines(12));
        await Store.CheckpointAsync(Token);
        await IngestAsync("a", Lines(12));
        await IngestAsync("a", Lines(12));
        await DeleteAsync("absent");
        await EndedAsync();
        await DeleteAsync("a");
        await IngestAsync("d", Lines(30));
        await Store.CheckpointAsync(Token);
        await DeleteAsync("d");
        await IngestAsync("d", "short");
        await DeleteAsync("b");
        await EndedAsync();
        await DeleteAsync("c");
        await DeleteAsync("d");
        await EndedAsync();
        return tasks;
    }

    /// <summary>
    /// An ingest is killed after it said 42.85 and before it said more, and says after the restart what it did not say before: the number of that
    /// message is not given again, and the percentages go on from it.
    /// </summary>
    [Test]
    public async Task Kill_AfterAPercentage_ItIsNeverTakenBack([Values] bool afterCheckpoint)
    {
        using var copy = new TemporaryDirectory();
        var clock = new ManualTimeProvider();
        await ReopenAsync(options =>
        {
            options.TimeProvider = clock;
            options.Embedding.Timeout = TimeSpan.FromSeconds(100_000); // By this clock.
        });
        int calls = 0;
        Embedder.OnCall = _ =>
        {
            if (Interlocked.Increment(ref calls) == 6)
            {
                clock.Advance(TimeSpan.FromSeconds(1)); // At the end of this call 6 of 14 are done.
            }
            else if (calls == 7)
            {
                Embedder.Block();
            }
        };
        IReadOnlyList<CallbackMessage> sent = [];
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.CallbackTaken && Publisher.Taken[^1].Say() == "Storage 42.85")
            {
                IReadOnlyList<CallbackMessage> taken = Publisher.Taken;
                CrashCopy.Take(Data.Path, copy.Path);
                sent = taken; // Only now: whoever sees it lets the store go on.
            }
        };
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(70)), Plain);
        await Embedder.CallsBegunAsync(7);
        if (afterCheckpoint)
        {
            await Store.CreateNamespaceAsync("n", NamespaceKind.Text);
            await Store.CheckpointAsync(Token);
        }

        await UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(50)); // Slowly: the embedder has 300 s of this clock.
            return sent.Count > 0;
        });
        Embedder.OnCall = _ => clock.Advance(TimeSpan.FromSeconds(1)); // Now a message after each call.
        Embedder.Release();
        CrashPoints.Reached = null;
        await EndedAsync(task, ArtifactTaskState.Success);

        var after = new FakePublisher();
        MoorchehOptions options = Options();
        options.Artifacts.CallbackPublisher = after;
        options.TimeProvider = clock;
        await using MoorchehStore crashed = await OpenAsync(copy, options);
        await UntilAsync(() => crashed.GetStatus().RunningJobs == 0);
        await clock.AdvanceUntilAsync(() => crashed.GetStatus().WaitingCallbacks == 0, Token);
        Assert.That(Say(sent), Is.EqualTo((string[])[.. WholeIngest[..5], "Storage 42.85"]));
        List<CallbackMessage> repeated = [.. after.Of(task).SkipWhile(message => message.Number() < 6)]; // Earlier ones may be repeated, too.
        Assert.That(
            Say(repeated),
            Is.EqualTo((string[])["Storage 42.85", "Storage 50.0", "Storage 57.14", "Storage 64.28", "Storage 71.42", "Storage 78.57", "Storage 85.71", "Storage 92.85", "Storage 100.0", "done"]));
        Assert.That(repeated.Select(message => message.Number()), Is.EqualTo(Enumerable.Range(6, 10)));
        Assert.That(repeated[0].Text(), Is.EqualTo(sent[^1].Text()));
    }

    /// <summary>
    /// When there is no room, the oldest message of progress goes, but none that is being sent. Replay does not know which that was, and lets another one go:
    /// what is left of a task must not come after what was sent already.
    /// </summary>
    [Test]
    public async Task Replay_DropsAnotherMessageForRoom_NothingComesLate()
    {
        await ReopenAsync(options => options.Artifacts.MaxWaitingCallbacks = 5);
        var gate = new TaskCompletionSource();
        Publisher.OnPublish = (message, token) => message.Exchange == "last" ? FakePublisher.Hang(token) : gate.Task;
        Embedder.Block();
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", "x"), Plain);
        await Embedder.CallsBegunAsync(1);
        await UntilAsync(() => Publisher.Attempts.Count == 1);
        Assert.That(Store.GetStatus().WaitingCallbacks, Is.EqualTo(5));
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "none", new ArtifactCallback("last")), ArtifactTaskState.Failure);
        Assert.That(Store.GetStatus().WaitingCallbacks, Is.EqualTo(5));
        gate.SetResult();
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == 1);
        List<CallbackMessage> before = Publisher.Of(task);
        Assert.That(before.Select(message => message.Number()), Is.EqualTo((int[])[1, 3, 4, 5]));
        await Store.CreateNamespaceAsync("n", NamespaceKind.Text); // Commits what nobody waits for.
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        Embedder.Release();
        var after = new FakePublisher();
        MoorchehOptions options = Options();
        options.Artifacts.MaxWaitingCallbacks = 5;
        options.Artifacts.CallbackPublisher = after;
        await using MoorchehStore crashed = await OpenAsync(copy, options);
        await UntilAsync(() => crashed.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
        Assert.That(after.Of(task).Select(message => (message.Number(), message.Say())), Is.EqualTo(new[] { (6, "Storage 100.0"), (7, "done") }));
    }

    /// <summary>What was dropped because there was no publisher is not made by replay.</summary>
    [Test]
    public async Task Replay_OfTasksWithoutAPublisher_MakesNoMessages()
    {
        await ReopenAsync(options => options.Artifacts.CallbackPublisher = null);
        await EndedAsync(await Artifacts.StartIngestAsync(Text("docs", "a", "x"), WithProgress), ArtifactTaskState.Success);
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "a", Plain), ArtifactTaskState.Success);
        await EndedAsync(await Artifacts.StartDeleteAsync("docs", "a", WithProgress), ArtifactTaskState.Failure);
        await Store.CreateNamespaceAsync("n", NamespaceKind.Text); // Commits what nobody waits for.
        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        await using MoorchehStore crashed = await OpenAsync(copy, Options());
        await UntilAsync(() => crashed.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Attempts, Is.Empty);
    }

    /// <summary>Messages that wait are in the checkpoints, and in those after them, with the callbacks of tasks that go on.</summary>
    [Test]
    public async Task Checkpoints_WithAFullOutbox_KeepEveryMessage()
    {
        const int Count = 2000;
        Publisher.OnPublish = (_, token) => FakePublisher.Hang(token);
        for (int i = 0; i < Count; i++)
        {
            await Artifacts.StartDeleteAsync("docs", $"{i}", Plain);
        }

        Embedder.Block();
        ArtifactTaskStatus running = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(30)), Plain with { Properties = ItemMetadata.Parse("""{"k":1}""") });
        await Embedder.CallsBegunAsync(1);
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == Count + 5);
        for (int i = 0; i < 3; i++)
        {
            await Store.CreateNamespaceAsync($"n{i}", NamespaceKind.Text);
            await Store.CheckpointAsync(Token);
        }

        using var copy = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, copy.Path);
        Embedder.Release();
        var after = new FakePublisher();
        MoorchehOptions options = Options();
        options.Artifacts.CallbackPublisher = after;
        await using MoorchehStore crashed = await OpenAsync(copy, options);
        await UntilAsync(() => crashed.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
        Assert.That(after.Taken.Select(message => message.MessageId), Is.Unique);
        Assert.That(after.Taken.Count(message => message.Say() == "error"), Is.EqualTo(Count));
        List<CallbackMessage> ingest = after.Of(running);
        Assert.That(Say(ingest).Where(said => said is "done" || said.EndsWith(" 0.0", StringComparison.Ordinal) || said.EndsWith(" 100.0", StringComparison.Ordinal)), Is.EqualTo(WholeIngest));
        Assert.That(ingest.Select(message => message.Text()), Is.All.EndsWith(""","error":null,"callback_properties":{"k":1}}"""));
    }

    /// <summary>Replaying the same entries twice, from the older checkpoint and from the newer one, gives the same messages.</summary>
    [Test]
    public async Task Replay_FromEitherCheckpoint_GivesTheSameMessages()
    {
        Publisher.OnPublish = (message, token) => message.Number() % 2 == 0 ? FakePublisher.Hang(token) : Task.CompletedTask;
        await Store.CreateNamespaceAsync("n", NamespaceKind.Text);
        await Store.CheckpointAsync(Token);
        for (int i = 0; i < 20; i++)
        {
            // An exchange for each: messages that hang take its places, and those of tasks that begin later would have none.
            ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", $"{i}", "x"), new ArtifactCallback($"events{i}"));
            await Artifacts.WaitAsync(task.Id, Token);
        }

        await UntilAsync(() => Publisher.Taken.Count == 20 && Store.GetStatus().WaitingCallbacks == 20 * 6);
        await Store.CheckpointAsync(Token);
        using var newer = new TemporaryDirectory();
        using var older = new TemporaryDirectory();
        CrashCopy.Take(Data.Path, newer.Path);
        CrashCopy.Take(Data.Path, older.Path);
        System.IO.File.Delete(Directory.GetFiles(Path.Combine(older.Path, "checkpoints"), "*.manifest").Order(StringComparer.Ordinal).Last());
        string[] fromNewer = await ReadAsync(newer);
        Assert.That(fromNewer, Has.Length.EqualTo(20 * 6));
        Assert.That(await ReadAsync(older), Is.EqualTo(fromNewer));

        async Task<string[]> ReadAsync(TemporaryDirectory directory)
        {
            var publisher = new FakePublisher();
            MoorchehOptions options = Options();
            options.Artifacts.CallbackPublisher = publisher;
            await using MoorchehStore store = await OpenAsync(directory, options);
            await UntilAsync(() => store.GetStatus().WaitingCallbacks == 0);
            return [.. publisher.Taken.Select(message => $"{message.MessageId} {message.Text()}").Order(StringComparer.Ordinal)];
        }
    }
}
