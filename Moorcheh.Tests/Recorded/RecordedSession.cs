using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>
/// A store open for recording or for reading a recording: nothing in it depends on the machine or the time of day. The exchange
/// <see cref="Deaf"/> takes no message while recording.
/// </summary>
internal sealed class RecordedSession : IAsyncDisposable
{
    /// <summary>An exchange whose broker does not answer.</summary>
    public const string Deaf = "deaf";

    /// <summary>A text with this word cannot be embedded.</summary>
    public const string Poison = "poison";

    /// <summary>Tokens of a chunk, with a word as a token.</summary>
    public const int ChunkTokens = 32;

    private readonly TestEmbedder _embedder = new() { FailingWord = Poison };
    private readonly ManualResetEventSlim _deleteMayGoOn = new();
    private readonly TaskCompletionSource _deleteIsHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RecordedSession(TimeSpan start)
    {
        Clock.Advance(start);
        Embedder = new GatedEmbedder(_embedder);
    }

    public MoorchehStore Store { get; private set; } = null!;

    public GatedEmbedder Embedder { get; }

    public FakePublisher Publisher { get; } = new();

    public ManualTimeProvider Clock { get; } = new();

    public RecordingLogger Log { get; } = new();

    /// <summary>Completes when the delete of a namespace waits in its second step, when that was asked for.</summary>
    public Task DeleteIsHeld => _deleteIsHeld.Task.WaitAsync(TestStore.Token);

    /// <summary>Opens a recording in which nothing waits any more.</summary>
    /// <param name="directory">The store.</param>
    /// <param name="start">What the clock shows, counted from its own beginning.</param>
    public static async Task<RecordedSession> OpenAsync(string directory, TimeSpan start)
    {
        var session = new RecordedSession(start);
        session.Store = await MoorchehStore.OpenAsync(directory, session.Options(MoorchehOptions.DefaultJobWorkers));
        return session;
    }

    /// <summary>Opens a store that is recorded.</summary>
    /// <param name="directory">The store.</param>
    /// <param name="start">What the clock shows, counted from its own beginning.</param>
    /// <param name="jobWorkers">Jobs at once.</param>
    /// <param name="closed">Texts with this word wait to be embedded.</param>
    /// <param name="holdsDelete">True: the second step of a namespace's delete waits until the session ends.</param>
    public static async Task<RecordedSession> RecordAsync(string directory, TimeSpan start, int jobWorkers, string closed, bool holdsDelete = false)
    {
        var session = new RecordedSession(start);
        session.Embedder.Close(closed);
        session.Publisher.OnPublish = (message, token) => message.Exchange == Deaf ? FakePublisher.Hang(token) : Task.CompletedTask;
        if (holdsDelete)
        {
            session.HoldDelete();
        }

        session.Store = await MoorchehStore.OpenAsync(directory, session.Options(jobWorkers));
        return session;
    }

    /// <summary>From now on the second step of a namespace's delete waits until the session ends.</summary>
    public void HoldDelete()
    {
        int left = 2;
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.NamespaceDeleteStep && Interlocked.Decrement(ref left) == 0)
            {
                _deleteIsHeld.SetResult();
                _deleteMayGoOn.Wait();
            }
        };
    }

    /// <summary>Moves the clock until something has happened that waits for it.</summary>
    public Task UntilAsync(Func<bool> condition) => Clock.AdvanceUntilAsync(condition, TestStore.Token);

    public async ValueTask DisposeAsync()
    {
        CrashPoints.Reached = null;
        _deleteMayGoOn.Set();
        Embedder.OpenAll();
        await Store.DisposeAsync();
        Embedder.Dispose();
    }

    private MoorchehOptions Options(int jobWorkers)
    {
        MoorchehOptions options = TestStore.Options();
        options.EmbeddingGenerator = Embedder;
        options.CallbackPublisher = Publisher;
        options.TimeProvider = Clock;
        options.LoggerFactory = LoggerFactory.Create(logging => logging.AddProvider(Log));
        options.CountTokens = text => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        options.ChunkTokens = ChunkTokens;
        options.EmbedBatchItems = 10;
        options.EmbedAttempts = 1;
        options.EmbedSeconds = 1_000_000;
        options.DeleteAttempts = 1;
        options.CheckpointSeconds = 1_000_000;
        options.JobWorkers = jobWorkers;
        options.TaskWorkers = 8;
        return options;
    }
}
