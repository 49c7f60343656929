using Moorcheh.Durability;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>Looks after the files of a store that no process has open. Safe for use from several threads on different directories.</summary>
public static class StoreFiles
{
    /// <summary>
    /// Compares every checksum of a store; changes nothing. Index files are of use only as long as the store is as it was when they were
    /// written, so a missing one is no damage.
    /// </summary>
    /// <param name="directory">Of the store.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What is damaged; empty when all is well.</returns>
    /// <exception cref="ArgumentException">It is not the directory of a store.</exception>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.DirectoryLocked"/>, <see cref="ErrorCodes.UnsupportedFormat"/>, or <see cref="ErrorCodes.StorageDamaged"/>: a
    /// copy that was not completed.
    /// </exception>
    public static Task<IReadOnlyList<StoreDamage>> VerifyAsync(string directory, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        string root = Path.GetFullPath(directory);
        return Task.Run<IReadOnlyList<StoreDamage>>(
            () =>
            {
                using IDisposable files = DataDirectory.LockForReading(root);
                return StoreVerification.Run(root, cancellationToken).Damage;
            },
            cancellationToken);
    }

    /// <summary>
    /// Opens a store without going on with its jobs and makes sound what can be without losing anything: it falls back to the older checkpoint,
    /// makes indexes anew, and writes new checkpoints. What cannot be read any more is named; it is dropped only on request: items whose
    /// record is damaged are deleted, and the journal ends before its damaged entry. What is alive is then written anew. Stopped in the middle,
    /// it can be begun again.
    /// </summary>
    /// <param name="directory">Of the store.</param>
    /// <param name="dropDamaged">True to drop what is lost.</param>
    /// <param name="options">Settings of the store; null for the defaults.</param>
    /// <param name="cancellationToken">Stops it between two steps.</param>
    /// <exception cref="ArgumentException">It is not the directory of a store, or a setting is out of range.</exception>
    /// <exception cref="MoorchehException">As <see cref="VerifyAsync"/>; <see cref="ErrorCodes.StorageDamaged"/>: it cannot be opened all the same.</exception>
    public static async Task<StoreRepair> RepairAsync(
        string directory, bool dropDamaged, MoorchehOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        options ??= new MoorchehOptions();
        options.Validate();
        return await RepairJob.RunAsync(Path.GetFullPath(directory), dropDamaged, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Copies a snapshot, or another store that no process has open, to where a store should be. Both are verified.</summary>
    /// <param name="snapshot">Made by <see cref="MoorchehStore.SnapshotAsync"/>; stays as it is.</param>
    /// <param name="directory">Absent or empty, and outside of every store. What a call that failed leaves there does not open.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ArgumentException">
    /// The snapshot is not the directory of a store, there is something in the other one, or it is within a store.
    /// </exception>
    /// <exception cref="MoorchehException">As <see cref="VerifyAsync"/>; <see cref="ErrorCodes.StorageDamaged"/>: one of them is not sound.</exception>
    /// <exception cref="IOException">There is no room, or a file cannot be read or written.</exception>
    public static Task RestoreAsync(string snapshot, string directory, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(snapshot);
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        string source = Path.GetFullPath(snapshot);
        string target = Path.GetFullPath(directory);
        return Task.Run(
            () =>
            {
                using IDisposable held = DataDirectory.LockForReading(source);
                var files = new SnapshotFiles(source, target, Disk.Default);
                files.CheckTarget();
                StoreVerification.RequireSound(source, "The snapshot", cancellationToken);
                files.CopyAll(cancellationToken);
            },
            cancellationToken);
    }
}
