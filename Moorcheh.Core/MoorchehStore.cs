using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Durability;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>
/// A store of namespaces of texts or vectors in one directory: uploads and deletes run as jobs, searches give the exact answer.
/// Safe for use from several threads; one process at a time. Close it with <c>await using</c>.
/// </summary>
public sealed partial class MoorchehStore : IAsyncDisposable
{
    /// <summary>
    /// Most ids in <see cref="GetItemsAsync(string, IReadOnlyList{string}, CancellationToken)"/> and
    /// <see cref="DeleteItemsAsync(string, IReadOnlyList{string}, CancellationToken)"/>, and most items of a page.
    /// </summary>
    public const int MaxIds = 100;

    private readonly StoreParts _parts;
    private readonly Lazy<Task> _closing;

    private MoorchehStore(StoreParts parts, MoorchehOptions options)
    {
        _parts = parts;
        Options = options;
        _closing = new Lazy<Task>(parts.CloseAsync);
    }

    /// <summary>The jobs of this store.</summary>
    public JobCollection Jobs => _parts.Jobs;

    /// <summary>The documents of this store.</summary>
    public ArtifactStore Artifacts => _parts.Artifacts;

    /// <summary>The settings the store was opened with; changing them now has no effect or an undefined one.</summary>
    public MoorchehOptions Options { get; }

    /// <summary>
    /// Opens a directory: creates it if it is absent, locks it, recovers what is in it, and goes on with unfinished jobs.
    /// </summary>
    /// <param name="directory">Path; relative to the current directory.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the opening before the store is handed out.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.DirectoryLocked"/>, <see cref="ErrorCodes.StorageDamaged"/> or <see cref="ErrorCodes.UnsupportedFormat"/>.
    /// The directory is as it was. <see cref="ErrorCodes.StorageFailed"/>: a flush to disk failed; nothing was lost, and it can be tried again.
    /// </exception>
    public static async Task<MoorchehStore> OpenAsync(
        string directory, MoorchehOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        cancellationToken.ThrowIfCancellationRequested();
        options ??= new MoorchehOptions();
        options.Validate();
        ILogger logger = options.CreateLogger();
        long start = Stopwatch.GetTimestamp();
        DataDirectory? data = null;
        try
        {
            data = DataDirectory.Open(directory, options.Disk);
            if (data.SharedMode is { } mode)
            {
                logger.DirectoryIsShared(data.Root, mode);
            }

            OpenStorage storage = await Recovery.OpenAsync(data, options, logger).ConfigureAwait(false);
            var parts = new StoreParts(data, options, logger, storage);
            await parts.CountEndsAsync().ConfigureAwait(false);
            parts.Start();
            StoreStatus status = parts.GetStatus();
            logger.StoreOpened(
                data.Root, status.Namespaces, status.Items, status.RunningJobs, (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            return new MoorchehStore(parts, options);
        }
        catch (Exception e)
        {
            data?.Dispose();
            if (e is FlushException)
            {
                throw new MoorchehException(
                    ErrorCodes.StorageFailed, $"Directory '{directory}' was not opened, since nothing in it can be made durable: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Creates a namespace; it is on disk when this returns.</summary>
    /// <param name="name">1 to 128 of <c>A-Z a-z 0-9 _ -</c>, the first a letter or digit; case-sensitive.</param>
    /// <param name="kind">Texts or vectors.</param>
    /// <param name="dimension">Values per vector, 1 to 16,384; null for a text namespace.</param>
    /// <param name="cancellationToken">Looked at until the namespace is written.</param>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.InvalidName"/>, <see cref="ErrorCodes.MissingField"/>, <see cref="ErrorCodes.InvalidDimension"/>,
    /// <see cref="ErrorCodes.NamespaceExists"/>, <see cref="ErrorCodes.NamespaceDeleting"/>,
    /// <see cref="ErrorCodes.NamespaceDeleteFailed"/>, <see cref="ErrorCodes.NamespaceLimitExceeded"/>, <see cref="ErrorCodes.StorageFull"/> or
    /// <see cref="ErrorCodes.StorageReadOnly"/>, <see cref="ErrorCodes.JournalFull"/>: nothing was stored.
    /// <see cref="ErrorCodes.OutcomeUnknown"/>: it is created once that is on disk.
    /// </exception>
    public async Task<NamespaceInfo> CreateNamespaceAsync(
        string name, NamespaceKind kind, int? dimension = null, CancellationToken cancellationToken = default)
    {
        _parts.Disk.RequireRoom(0);
        NamespaceEntry entry = await _parts.ChangeAsync(ticket => _parts.Namespaces.CreateAsync(name, kind, dimension, ticket, cancellationToken)).ConfigureAwait(false);
        return entry.ToInfo();
    }

    /// <summary>The live namespaces by name, ordinal.</summary>
    public IReadOnlyList<NamespaceInfo> ListNamespaces() =>
    [
        .. _parts.State.Namespaces
            .Where(entry => entry is { State: NamespaceState.Active, IsHidden: false })
            .OrderBy(entry => entry.Name, StringComparer.Ordinal)
            .Select(entry => entry.ToInfo()),
    ];

    /// <summary>A live namespace; null when there is none of that name.</summary>
    public NamespaceInfo? FindNamespace(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _parts.State.Find(name) is { State: NamespaceState.Active, IsHidden: false } entry ? entry.ToInfo() : null;
    }

    /// <summary>A live namespace.</summary>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.NamespaceNotFound"/>, <see cref="ErrorCodes.NamespaceDeleting"/> or <see cref="ErrorCodes.NamespaceDeleteFailed"/>.
    /// </exception>
    public NamespaceInfo GetNamespace(string name) => _parts.State.Namespaces.Get(name).ToInfo();

    /// <summary>
    /// Deletes a namespace with everything in it. When this returns the decision is on disk: the namespace is invisible, its uploads
    /// stop, its items no longer count. The job removes the data; then the name is free.
    /// </summary>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.NamespaceNotFound"/>, <see cref="ErrorCodes.NamespaceDeleting"/> with the fact <c>JobId</c>, or, while the disk takes no writes,
    /// <see cref="ErrorCodes.StorageFull"/> or <see cref="ErrorCodes.StorageReadOnly"/>: nothing was done. <see cref="ErrorCodes.OutcomeUnknown"/> with the fact
    /// <c>JobId</c>.
    /// </exception>
    public async Task<Job<DeleteJobStatus>> DeleteNamespaceAsync(string name, CancellationToken cancellationToken = default)
    {
        DeleteJobEntry accepted = await _parts.ChangeAsync(async ticket =>
        {
            try
            {
                return await _parts.Deletes.StartAsync(name, ticket, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                if (_parts.State.Find(name) is { } entry)
                {
                    _parts.Scheduler.Wake(entry); // After a failed commit too: the mark may be on disk.
                }
            }
        }).ConfigureAwait(false);
        return new Job<DeleteJobStatus>(Jobs, accepted);
    }

    /// <summary>
    /// Embeds the texts of a namespace again, with the embedder that the store has now: the way forward after a change of the model. The texts are in the store. Until
    /// each has its new vector the old ones serve searches, as far as their embedder is still the store's; then vectors, dimension and embedder change in one step.
    /// When this returns the job is on disk: after a crash it goes on where it was. Uploads of the namespace wait for its end. It needs room for the
    /// items a second time. A job that fails or is cancelled leaves the namespace as it was.
    /// </summary>
    /// <param name="name">A text namespace, or a collection of artifacts.</param>
    /// <param name="cancellationToken">Looked at until the job is written.</param>
    /// <exception cref="MoorchehException">
    /// The codes of <see cref="GetNamespace"/>, <see cref="ErrorCodes.WrongNamespaceType"/>, <see cref="ErrorCodes.EmbedderMissing"/>,
    /// <see cref="ErrorCodes.NamespaceReembedding"/> with the fact <c>JobId</c>: it is under way; <see cref="ErrorCodes.StorageFull"/>,
    /// <see cref="ErrorCodes.StorageReadOnly"/>, <see cref="ErrorCodes.JournalFull"/>. Nothing was done. <see cref="ErrorCodes.OutcomeUnknown"/> with the fact
    /// <c>JobId</c>.
    /// </exception>
    public async Task<Job<ReembedJobStatus>> ReembedNamespaceAsync(string name, CancellationToken cancellationToken = default) => new(
        Jobs, await _parts.ChangeAsync(ticket => _parts.Reembeddings.AcceptAsync(name, ticket, cancellationToken)).ConfigureAwait(false));

    /// <summary>Counts and configuration; never calls the embedding generator.</summary>
    public StoreStatus GetStatus() => _parts.GetStatus();

    /// <summary>
    /// Takes a checkpoint now. Nothing depends on it: the store takes them by itself, and what is acknowledged is on disk without them. A
    /// checkpoint shortens the next opening.
    /// </summary>
    public async Task CheckpointAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _parts.ChangeAsync(async _ =>
        {
            await _parts.Checkpoints.TakeAsync().ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// Copies the store as it is at one moment of the call to another directory, and verifies the copy; uploads and searches go on. The copy
    /// is a store of its own, see <see cref="StoreFiles.RestoreAsync"/>; jobs that were unfinished at that moment go on there too. Takes a
    /// checkpoint; the next one waits until the copy is done. What a call that failed leaves does not open.
    /// </summary>
    /// <param name="directory">Absent or empty, and outside of every store.</param>
    /// <param name="cancellationToken">Stops the waiting for another checkpoint and the copying; what was copied stays.</param>
    /// <exception cref="ArgumentException">There is something in the directory, or it is within a store.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: the copy is not sound, because the store or a disk is not.</exception>
    /// <exception cref="IOException">There is no room, or the directory cannot be written; what was copied stays.</exception>
    public async Task SnapshotAsync(string directory, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        cancellationToken.ThrowIfCancellationRequested();
        using (_parts.Operations.Enter())
        {
            var files = new SnapshotFiles(_parts.Directory.Root, Path.GetFullPath(directory), _parts.Directory.Disk);
            files.CheckTarget();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _parts.Operations.Closing);
            try
            {
                await _parts.Checkpoints.TakeAsync(manifest => files.CopyCheckpoint(manifest, stop.Token), stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw OperationGuard.ShuttingDown();
            }
        }
    }

    /// <summary>
    /// Closes the store, in this order: refuse new calls; wait for running ones; stop the workers at a safe point (up to
    /// <see cref="MoorchehOptions.ShutdownTimeout"/>); end waits for jobs; take a checkpoint; close the journal, the records and the
    /// lock. Unfinished jobs go on when the directory is opened again. Calling it again waits for the same closing.
    /// </summary>
    public async ValueTask DisposeAsync() => await _closing.Value.ConfigureAwait(false);

    internal RecordSet NewRecordSet() => new(_parts.State.Records, _parts.Operations);
}
