using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Durability;
using Moorcheh.Filters;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Pipelines;
using Moorcheh.Search;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>What a <see cref="MoorchehStore"/> is made of: puts the parts together, begins their work and ends it in order.</summary>
internal sealed class StoreParts
{
    /// <summary>Times in a row that a step of an upload or re-embedding may fail before the job ends.</summary>
    private const int MaxUploadAttempts = 5;

    // A commit takes milliseconds, unless the disk takes no writes.
    private static readonly TimeSpan CountingPatience = TimeSpan.FromSeconds(2);

    private readonly IJournal _journal;
    private readonly WorkMarks _marks;
    private readonly ChangeLog _log;
    private readonly Embedder? _embedder;
    private readonly IndexMaintenance _indexes;
    private readonly Housekeeping _housekeeping;
    private readonly MoorchehOptions _options;

    public StoreParts(DataDirectory directory, MoorchehOptions options, ILogger logger, OpenStorage storage)
    {
        Directory = directory;
        Logger = logger;
        State = storage.State;
        _journal = storage.Journal;
        Disk = storage.DiskState;
        _marks = new WorkMarks(directory.WorkPath, directory.Disk);
        _options = options;
        _embedder = options.Embedding.Generator is { } generator ? new Embedder(generator, options, logger) : null;

        _log = new ChangeLog(State, _journal, Disk);
        Namespaces = new NamespaceCreation(State, _log, options);
        var ending = new ArtifactEnding(State, _log, options);
        Deletes = new DeletePipeline(State, _log, ending, _marks, options);
        Selection = new ItemSelection(State.Records);
        ItemDeletes = new ItemDeletes(State, _log, Selection, _marks, () => Scheduler!, options);
        Patching = new MetadataPatching(State, _log, Disk, options);
        var pipeline = new UploadPipeline(State, _log, Disk, _marks, _embedder, options);
        var reembeddings = new ReembedPipeline(State, _log, Disk, _marks, _embedder, options);
        Scheduler = new JobScheduler(
            options.Jobs.Workers,
            async (entry, token) => entry.State == NamespaceState.Deleting
                ? await Deletes.StepAsync(entry, token).ConfigureAwait(false)
                : await ItemDeletes.TryStepAsync(entry, token).ConfigureAwait(false)
                    ?? await (entry.Reembedding is { } job ? reembeddings.StepAsync(entry, job, token) : pipeline.StepAsync(entry, token)).ConfigureAwait(false),
            async (entry, job, attempts, cause) =>
            {
                switch (job)
                {
                    case DeleteJobEntry when attempts >= options.Jobs.DeleteAttempts:
                        await Deletes.GiveUpAsync(entry, cause).ConfigureAwait(false);
                        return true;
                    case ItemDeleteJobEntry delete when attempts >= options.Jobs.DeleteAttempts:
                        await ItemDeletes.GiveUpAsync(entry, delete, cause).ConfigureAwait(false);
                        return true;
                    case UploadJobEntry upload when attempts >= MaxUploadAttempts:
                        await pipeline.GiveUpAsync(entry, upload, cause).ConfigureAwait(false);
                        return true;
                    case ReembedJobEntry reembedding when attempts >= MaxUploadAttempts:
                        await reembeddings.GiveUpAsync(entry, reembedding, cause).ConfigureAwait(false);
                        return true;
                    default:
                        return false;
                }
            },
            options.TimeProvider,
            logger);
        Uploads = new UploadAcceptor(State, _log, Disk, Scheduler, _embedder, options);
        Reembeddings = new ReembedAcceptor(State, _log, Disk, Scheduler, _embedder, options);
        Items = new ItemAccess(State, _log, options);
        Search = new SearchPipeline(State, _embedder, new FilterMasks(State));
        SearchBatch = new BatchSearch(Search);
        _indexes = new IndexMaintenance(State, storage.IndexFiles, Disk, _marks, options.TimeProvider, logger);
        Checkpoints = new Checkpoints(
            directory.CheckpointDirectory, directory.Disk, Disk, State, _journal, _log, _indexes, storage.Checkpoint, options.Storage.MaxJournalBytes, logger);
        Disk.RequireJournalRoom = Checkpoints.RequireJournalRoom;
        _housekeeping = new Housekeeping(State, Checkpoints, Disk, options, logger);
        Jobs = new JobCollection(
            State.Jobs,
            State.Records,
            Operations,
            job => ChangeAsync(async ticket => State.Find(job.Incarnation) is { } entry && await (job is ReembedJobEntry reembedding
                ? reembeddings.CancelAsync(entry, reembedding, ticket)
                : pipeline.CancelAsync(entry, (UploadJobEntry)job, ticket)).ConfigureAwait(false)));
        Artifacts = new ArtifactStore(State, _log, Namespaces, ending, Disk, _marks, Operations, _embedder, options);
    }

    public DataDirectory Directory { get; }

    public ILogger Logger { get; }

    public StoreState State { get; }

    public DiskState Disk { get; }

    public NamespaceCreation Namespaces { get; }

    public UploadAcceptor Uploads { get; }

    public ReembedAcceptor Reembeddings { get; }

    public DeletePipeline Deletes { get; }

    public ItemAccess Items { get; }

    public ItemSelection Selection { get; }

    public ItemDeletes ItemDeletes { get; }

    public MetadataPatching Patching { get; }

    public SearchPipeline Search { get; }

    public BatchSearch SearchBatch { get; }

    public JobScheduler Scheduler { get; }

    public Checkpoints Checkpoints { get; }

    public OperationGuard Operations { get; } = new();

    public JobCollection Jobs { get; }

    public ArtifactStore Artifacts { get; }

    /// <inheritdoc cref="MoorchehStore.GetStatus"/>
    public StoreStatus GetStatus()
    {
        (long items, long reserved) = State.Quota.Counts;
        string? readOnlyReason = Disk.ReadOnlyReason;
        NamespaceEntry[] stopped = [.. State.Namespaces.Where(entry => entry.Failure is not null).OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        LoopStatus[] loops = [Scheduler.Loop, .. Artifacts.Loops, _indexes.Loop, .. _housekeeping.Loops];
        return new StoreStatus
        {
            Items = items,
            MaxItems = _options.Limits.MaxItems,
            ReservedItems = reserved,
            Namespaces = State.Namespaces.Count(entry => entry.State == NamespaceState.Active),
            RunningJobs = State.Jobs.RunningCount,
            WaitingCallbacks = State.Outbox.Count,
            LongestStep = new[] { Scheduler.LongestStep, Artifacts.LongestStep }.Max(),
            DamagedReads = State.Records.DamagedReads,
            EmbeddingProvider = _embedder?.Provider ?? "none",
            EmbeddingModel = _embedder?.Model ?? string.Empty,
            ReadOnlyReason = readOnlyReason,
            FreeBytes = Disk.FreeBytes,
            JournalBytes = Checkpoints.KeptJournalBytes,
            MaxJournalBytes = _options.Storage.MaxJournalBytes,
            StoppedNamespaces = [.. stopped.Select(entry => entry.Name)],
            Loops = loops,
            Problems =
            [
                .. readOnlyReason is null ? [] : (string[])[readOnlyReason],
                .. stopped.Select(entry => $"Namespace '{entry.Name}' takes no changes until the store is opened again: {entry.Failure?.Message}"),
                .. Checkpoints.IsJournalFull
                    ? (string[])[$"The journal has {Checkpoints.KeptJournalBytes} bytes of {_options.Storage.MaxJournalBytes}: "
                        + "nothing can be stored until it is cut by a checkpoint."]
                    : [],
                .. loops.Where(loop => loop.Failure is not null).Select(loop => $"Background work '{loop.Name}' fails: {loop.Failure}"),
            ],
        };
    }

    /// <summary>Runs a change, but waits for it only as long as the disk takes writes. A change that has begun goes on to its end all the same.</summary>
    public Task<T> ChangeAsync<T>(Func<ChangeTicket, Task<T>> change)
    {
        var ticket = new ChangeTicket();
        async Task<T> RunAsync()
        {
            using (Operations.Enter())
            {
                await Disk.WaitForWritesAsync().ConfigureAwait(false);
                return await change(ticket).ConfigureAwait(false);
            }
        }

        return Disk.WaitAsync(RunAsync(), ticket);
    }

    /// <summary>Counts what was at work when the process before ended: on disk, before any of it is begun again.</summary>
    public async Task CountEndsAsync()
    {
        bool isAny = false;
        foreach (WorkKey work in _marks.Left.Distinct())
        {
            if (WorkEnded.FindEnds(State, work) is { } ends)
            {
                var ended = new WorkEnded(work, ends + 1);
                Logger.ProcessEnded(work.Kind.ToString(), work.Id, ended.Ends);
                _log.Append(ended);
                ended.Apply(State);
                isAny = true;
            }
        }

        // A store on a full disk opens all the same. What was left stays until it is counted on disk: it may be counted twice then, but not forgotten.
        Task counted = isAny ? _log.InsistAsync() : Task.CompletedTask;
        if (await Task.WhenAny(counted, Task.Delay(CountingPatience, TimeProvider.System)).ConfigureAwait(false) == counted)
        {
            await counted.ConfigureAwait(false);
            _marks.Clear();
        }
    }

    /// <summary>Begins the work in the background, with what was left by the process before.</summary>
    public void Start()
    {
        Scheduler.Start();
        foreach (NamespaceEntry entry in State.Namespaces)
        {
            if (entry.Uploads.Count > 0 || entry.ItemDeletes.Count > 0 || entry.Reembedding is not null || entry.State == NamespaceState.Deleting)
            {
                Scheduler.Wake(entry);
            }
        }

        Artifacts.Start();
        _indexes.Start();
        _housekeeping.Start();
    }

    /// <inheritdoc cref="MoorchehStore.DisposeAsync"/>
    public async Task CloseAsync()
    {
        Disk.BeginClosing();
        await Operations.CloseAsync().ConfigureAwait(false);
        await _housekeeping.StopAsync().ConfigureAwait(false);
        await _indexes.StopAsync().ConfigureAwait(false);
        TimeSpan patience = _options.ShutdownTimeout;
        Task<bool> tasksStopped = Artifacts.StopAsync(patience);
        bool stopped = await Scheduler.StopAsync(patience).ConfigureAwait(false) & await tasksStopped.ConfigureAwait(false);
        State.Jobs.Close();
        if (stopped)
        {
            await _housekeeping.TakeLastCheckpointAsync().ConfigureAwait(false);
        }
        else
        {
            Logger.ShutdownTimedOut(patience);
        }

        _marks.Dispose();
        await Disk.DrainAsync().ConfigureAwait(false);
        await _journal.DisposeAsync().ConfigureAwait(false);
        await State.Records.DisposeAsync().ConfigureAwait(false);
        if (stopped)
        {
            foreach (NamespaceEntry entry in State.Namespaces)
            {
                entry.Index.Unmap();
                entry.Reembedding?.Index.Unmap();
            }
        }

        Directory.Dispose();
        Logger.StoreClosed(Directory.Root);
    }
}
