using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Callbacks;
using Moorcheh.Callbacks.Messages;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Callbacks;

/// <summary>Sending: tried again and again, one task never behind another, until a message is too old or there is no room.</summary>
internal sealed class DispatchTests : CallbackFixture
{
    private static readonly IOException Refusal = new("No broker.");

    private ManualTimeProvider _clock = new();
    private RecordingLogger _log = new();

    [TearDown]
    public void Renew()
    {
        _clock = new ManualTimeProvider();
        _log = new RecordingLogger();
    }

    private protected override MoorchehOptions Options()
    {
        MoorchehOptions options = base.Options();
        options.TimeProvider = _clock;
        options.LoggerFactory = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(_log));
        return options;
    }

    /// <summary>Starts a task that fails at once: one message.</summary>
    private Task<ArtifactTaskStatus> FailAsync(string artifact, ArtifactCallback? callback = null) => Artifacts.StartDeleteAsync("none", artifact, callback ?? Plain);

    private Task WaitAsync(Func<bool> condition) => _clock.AdvanceUntilAsync(condition, Token);

    [Test]
    public async Task Refused_IsTriedAgainAfterPausesThatDouble()
    {
        List<DateTimeOffset> tries = [];
        Publisher.OnPublish = (_, _) =>
        {
            tries.Add(_clock.GetUtcNow());
            return tries.Count <= 8 ? throw Refusal : Task.CompletedTask;
        };
        ArtifactTaskStatus task = await FailAsync("a");
        await UntilAsync(() => tries.Count == 1);
        await WaitAsync(() => Publisher.Taken.Count == 1);
        double[] pauses = [.. tries.Zip(tries.Skip(1), (x, y) => (y - x).TotalSeconds)];
        double[] expected = [1, 2, 4, 8, 16, 32, 60, 60];
        Assert.That(pauses.Length, Is.EqualTo(8));
        for (int i = 0; i < 8; i++)
        {
            // The clock moves on while threads do their work, but the pause after the next one is twice as long.
            Assert.That(pauses[i], Is.GreaterThanOrEqualTo(expected[i]));
            Assert.That(pauses[i], Is.LessThan(i < 6 ? expected[i] * 2 : expected[i] + 60));
        }

        Assert.That(Publisher.Attempts, Is.All.EqualTo($"{task.JobId}:1"));
        Assert.That(_log.Entries.Count(entry => entry.Level == LogLevel.Warning && entry.Message.Contains("No broker.", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    /// <summary>Of one exchange: when more tasks hang than it may send at once, and that has lasted too long, the others get their turn.</summary>
    [Test]
    public async Task Hanging_OtherTasksOfTheExchangeGetTheirTurn([Values(1, OutboxExchange.SendsAtOnce - 1, OutboxExchange.SendsAtOnce + 5)] int hanging)
    {
        var stuck = new HashSet<string>();
        Publisher.OnPublish = (message, token) => message.RoutingKey == "stuck" ? FakePublisher.Hang(token) : Task.CompletedTask;
        for (int i = 0; i < hanging; i++)
        {
            stuck.Add((await FailAsync($"s{i}", Plain with { RoutingKeyError = "stuck" })).JobId);
        }

        await UntilAsync(() => Publisher.Attempts.Count == Math.Min(hanging, OutboxExchange.SendsAtOnce));
        ArtifactTaskStatus other = await FailAsync("other");
        if (hanging > OutboxExchange.SendsAtOnce)
        {
            await WaitAsync(() => Publisher.Of(other).Count == 1);
        }

        await UntilAsync(() => Publisher.Of(other).Count == 1);
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == hanging);
        Publisher.OnPublish = null;
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Taken.Select(message => message.MessageId[..36]), Is.SupersetOf(stuck));
    }

    /// <summary>The clock stands still: the other exchange waits neither for a time-out nor for a pause.</summary>
    [Test]
    public async Task ExchangeThatDoesNotTakeMessages_OthersAreSentAtOnce([Values] bool hangs)
    {
        const int Stuck = 500;
        Publisher.OnPublish = (message, token) => message.Exchange == "other" ? Task.CompletedTask : hangs ? FakePublisher.Hang(token) : throw Refusal;
        for (int i = 0; i < Stuck; i++)
        {
            await FailAsync($"s{i}");
        }

        await UntilAsync(() => Publisher.Attempts.Count >= OutboxExchange.SendsAtOnce && Store.GetStatus().RunningJobs == 0);
        ArtifactTaskStatus other = await FailAsync("other", new ArtifactCallback("other"));
        await UntilAsync(() => Publisher.Of(other).Count == 1);
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == Stuck);
        Assert.That(Publisher.Attempts.Count(id => !id.StartsWith(other.JobId, StringComparison.Ordinal)), Is.EqualTo(OutboxExchange.SendsAtOnce));
    }

    /// <summary>However many messages wait for an exchange that is missing, one is tried after each pause; when one is taken, all go.</summary>
    [Test]
    public async Task ExchangeThatRefuses_PausesAsAWhole()
    {
        const int Tasks = 100;
        bool isThere = false;
        Publisher.OnPublish = (_, _) => Volatile.Read(ref isThere) ? Task.CompletedTask : throw Refusal;
        for (int i = 0; i < Tasks; i++)
        {
            await FailAsync($"{i}");
        }

        await UntilAsync(() => Publisher.Attempts.Count > 0 && Store.GetStatus() is { RunningJobs: 0, WaitingCallbacks: Tasks });
        DateTimeOffset begin = _clock.GetUtcNow();
        await WaitAsync(() => _clock.GetUtcNow() - begin > TimeSpan.FromSeconds(120));
        Assert.That(Publisher.Attempts, Has.Count.InRange(3, OutboxExchange.SendsAtOnce + 7), "After 1, 3, 7, 15, 31, 63 and 123 s at the most.");
        Assert.That(_log.Entries.Count(entry => entry.Level == LogLevel.Warning && entry.Message.Contains("No broker.", StringComparison.Ordinal)), Is.EqualTo(1));
        Volatile.Write(ref isThere, true);
        await WaitAsync(() => Publisher.Taken.Count > 0);
        begin = _clock.GetUtcNow();
        await UntilAsync(() => Publisher.Taken.Count >= Tasks - OutboxExchange.SendsAtOnce - 7);
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Taken.Select(message => message.MessageId), Is.Unique);
    }

    /// <summary>A message that is refused for itself does not keep those of other tasks for the same exchange.</summary>
    [Test]
    public async Task MessageThatIsRefused_OthersOfTheExchangeAreSent()
    {
        Publisher.OnPublish = (message, _) => message.RoutingKey == "bad" ? throw Refusal : Task.CompletedTask;
        await FailAsync("bad", Plain with { RoutingKeyError = "bad" });
        for (int i = 0; i < 100; i++)
        {
            await FailAsync($"{i}");
        }

        await WaitAsync(() => Publisher.Taken.Count == 100);
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == 1);
    }

    /// <summary>Closed for longer than messages are kept: each is tried once before it is too old.</summary>
    [Test]
    public async Task OpenedLate_IsTriedBeforeItIsTooOld([Values] bool isTaken)
    {
        using var counter = new CallbackCounter();
        Publisher.OnPublish = (_, _) => throw Refusal;
        ArtifactTaskStatus task = await FailAsync("a");
        await UntilAsync(() => Publisher.Attempts.Count == 1);
        await ReopenAsync(_ =>
        {
            _clock.Advance(TimeSpan.FromHours(60));
            Publisher.OnPublish = isTaken ? null : Publisher.OnPublish;
        });
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Attempts, Is.EqualTo(Enumerable.Repeat($"{task.JobId}:1", 2)));
        Assert.That((counter.Sent, counter.Expired), Is.EqualTo(isTaken ? (1L, 0L) : (0L, 1L)));
    }

    [Test]
    public async Task Full_ProgressThatIsNotMade_IsCountedAndNoted()
    {
        using var counter = new CallbackCounter();
        await ReopenAsync(options => options.Artifacts.MaxWaitingCallbacks = 3);
        Publisher.OnPublish = (_, _) => throw Refusal;
        Embedder.Block();
        await Artifacts.StartIngestAsync(Text("docs", "a", "x"), Plain);
        await Embedder.CallsBegunAsync(1);
        Assert.That((Store.GetStatus().WaitingCallbacks, counter.Dropped), Is.EqualTo((3L, 2L)));
        Assert.That(_log.Entries.Count(entry => entry.Message.StartsWith("3 messages about tasks wait", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task Refused_NothingOfTheTaskOvertakesIt()
    {
        Publisher.OnPublish = (message, _) => message.Say() == "Parse 0.0" && Publisher.Attempts.Count < 6 ? throw Refusal : Task.CompletedTask;
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", "x"), Plain);
        await Artifacts.WaitAsync(task.JobId, Token);
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Say(Publisher.Taken), Is.EqualTo(WholeIngest));
    }

    [Test]
    public async Task Full_ProgressIsDroppedAndEndsAreKept()
    {
        using var counter = new CallbackCounter();
        await ReopenAsync(options => options.Artifacts.MaxWaitingCallbacks = 20);
        bool isOpen = false;
        Publisher.OnPublish = (_, _) => Volatile.Read(ref isOpen) ? Task.CompletedTask : throw Refusal;
        List<ArtifactTaskStatus> tasks = [];
        for (int i = 0; i < 30; i++)
        {
            tasks.Add(await Artifacts.StartIngestAsync(Text("docs", $"{i}", "x"), Plain));
            await Artifacts.WaitAsync(tasks[^1].JobId, Token);
            await UntilAsync(() => Store.GetStatus().WaitingCallbacks >= Math.Min(20, i + 1));
        }

        await UntilAsync(() => Store.GetStatus().WaitingCallbacks >= 30);

        // A message that is being sent at the moment keeps its place.
        long waiting = Store.GetStatus().WaitingCallbacks;
        Assert.That(waiting, Is.InRange(30, 30 + CallbackDispatcher.SendsAtOnce));
        Assert.That(counter.Waiting, Is.EqualTo(waiting));
        Volatile.Write(ref isOpen, true);
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(tasks.Select(task => Publisher.Of(task)[^1].Say()), Is.All.EqualTo("done"));
        Assert.That((counter.Sent, counter.Sent + counter.Dropped >= 30 * WholeIngest.Length, counter.Waiting), Is.EqualTo((waiting, true, 0L)));
        Assert.That(_log.Entries.Count(entry => entry.Message.StartsWith("20 messages about tasks wait", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task TooOld_IsDroppedWithAnError([Values] bool hangs)
    {
        using var counter = new CallbackCounter();
        Publisher.OnPublish = (_, token) => hangs ? FakePublisher.Hang(token) : throw Refusal;
        await Artifacts.IngestAsync(Text("docs", "a", "x"));
        ArtifactTaskStatus task = await Artifacts.StartDeleteAsync("docs", "a", WithProgress);
        await Artifacts.WaitAsync(task.JobId, Token);
        await UntilAsync(() => Publisher.Attempts.Count > 0);
        _clock.Advance(TimeSpan.FromHours(23));
        ArtifactTaskStatus later = await FailAsync("later");
        await WaitAsync(() => Publisher.Attempts.Contains($"{later.JobId}:1"));
        Assert.That(Store.GetStatus().WaitingCallbacks, Is.EqualTo(4));
        _clock.Advance(TimeSpan.FromMinutes(61));
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 1);
        await UntilAsync(() => counter.Expired == 3);
        Assert.That(
            _log.Entries.Where(entry => entry.Level == LogLevel.Error).Select(entry => entry.Message.Split(" was made")[0]),
            Is.EqualTo(Enumerable.Range(1, 3).Select(i => $"Message {task.JobId}:{i}")));
        Publisher.OnPublish = null;
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Taken.Single().MessageId, Is.EqualTo($"{later.JobId}:1"));
        Assert.That((counter.Sent, counter.Expired, counter.Dropped), Is.EqualTo((1L, 3L, 0L)));
    }

    /// <summary>Many messages hang, so that the turn of the others does not come: they expire all the same.</summary>
    [Test]
    public async Task TooOld_WithoutATurn_IsDropped()
    {
        Publisher.OnPublish = (_, _) => new TaskCompletionSource().Task;
        for (int i = 0; i < OutboxExchange.SendsAtOnce * 2; i++)
        {
            await FailAsync($"{i}");
        }

        await UntilAsync(() => Publisher.Attempts.Count == OutboxExchange.SendsAtOnce);
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == OutboxExchange.SendsAtOnce * 2);
        _clock.Advance(TimeSpan.FromHours(24));
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Taken, Is.Empty);
    }

    [Test]
    public async Task NoPublisher_IsDroppedAndWhatWaitedIsKept()
    {
        using var counter = new CallbackCounter();
        Publisher.OnPublish = (_, _) => throw Refusal;
        ArtifactTaskStatus before = await FailAsync("before");
        await UntilAsync(() => Publisher.Attempts.Count > 0);
        await ReopenAsync(options => options.Artifacts.CallbackPublisher = null);
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", "x"), WithProgress);
        await EndedAsync(ingest, ArtifactTaskState.Success);
        Assert.That((counter.Dropped, Store.GetStatus().WaitingCallbacks), Is.EqualTo((1L, 1L)));
        Assert.That(_log.Entries.Where(entry => entry.Level == LogLevel.Warning).Select(entry => entry.Message), Has.Some.StartsWith($"Task {ingest.JobId}"));
        Publisher.OnPublish = null;
        await ReopenAsync();
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(Publisher.Taken.Select(message => message.MessageId), Is.EqualTo((string[])[$"{before.JobId}:1"]));
        Publisher.OnPublish = (_, _) => throw Refusal;
        await FailAsync("after");
        await UntilAsync(() => Store.GetStatus().WaitingCallbacks == 1);
        await ReopenAsync(options => options.Artifacts.CallbackPublisher = null);
        _clock.Advance(TimeSpan.FromHours(25));
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(counter.Expired, Is.EqualTo(1));
    }

    [Test]
    public async Task Revoked_NothingOfItIsSentAnyMore()
    {
        using var counter = new CallbackCounter();
        bool isOpen = false;
        Publisher.OnPublish = (message, token) => message.Say() == "Validation 100.0" && !Volatile.Read(ref isOpen) ? FakePublisher.Hang(token) : Task.CompletedTask;
        Embedder.Block();
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(50)), Plain);
        await Embedder.CallsBegunAsync(1);
        await WaitAsync(() => Publisher.Attempts.Count == 2);
        Assert.That(Store.GetStatus().WaitingCallbacks, Is.EqualTo(4));
        ArtifactTaskStatus delete = await Artifacts.StartDeleteAsync("docs", "a", WithProgress);
        Assert.That(Artifacts.FindTask(ingest.JobId)!.TaskState, Is.EqualTo(ArtifactTaskState.Revoked));
        Volatile.Write(ref isOpen, true);
        Embedder.Release();
        await EndedAsync(delete, ArtifactTaskState.Success);
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.That(Say(Publisher.Of(ingest)), Is.EqualTo((string[])["Validation 0.0"]));
        Assert.That(Say(Publisher.Of(delete)), Is.EqualTo((string[])["Deletion 0.0", "Deletion 100.0", "done"]));
        Assert.That((counter.Sent, counter.Dropped), Is.EqualTo((4L, 4L)));
        Assert.That(_log.Entries.Where(entry => entry.Level >= LogLevel.Error), Is.Empty);
        await ReopenAsync();
        Assert.That(Store.GetStatus().WaitingCallbacks, Is.Zero);
    }

    [Test]
    public async Task NamespaceDeleted_TheIngestTellsAnError()
    {
        await Artifacts.IngestAsync(Text("docs", "b", "x"));
        Embedder.Block();
        ArtifactTaskStatus ingest = await Artifacts.StartIngestAsync(Text("docs", "a", "x"), Plain);
        await Embedder.CallsBegunAsync(2);
        await Store.DeleteNamespaceAsync("docs");
        await EndedAsync(ingest, ArtifactTaskState.Failure);
        await WaitAsync(() => Store.GetStatus().WaitingCallbacks == 0);
        Assert.That(
            Publisher.Of(ingest)[^1].Text(),
            Is.EqualTo("""{"data":null,"type":"pgpt.vector_index_task.error","error":{"errors":["Namespace 'docs' was deleted."],"warnings":null},"callback_properties":null}"""));
    }

    /// <summary>Closing does not wait for a broker that does not answer, nor for a publisher that does not listen.</summary>
    [Test]
    [CancelAfter(120_000)]
    public async Task Close_WhileSendsHang_ComesToAnEnd()
    {
        Publisher.OnPublish = (_, _) => new TaskCompletionSource().Task;
        for (int i = 0; i < OutboxExchange.SendsAtOnce + 10; i++)
        {
            await FailAsync($"{i}");
        }

        await UntilAsync(() => Publisher.Attempts.Count == OutboxExchange.SendsAtOnce);
        await Store.DisposeAsync();
        Publisher = new FakePublisher();
        Store = await OpenAsync(Data, Options());
        await WaitAsync(() => Publisher.Taken.Count == OutboxExchange.SendsAtOnce + 10);
    }
}
