using Moorcheh.Index;
using Moorcheh.Storage;

namespace Moorcheh.Durability;

/// <summary>Compares every checksum of a store with its files, in the order in which opening relies on them, and changes nothing.</summary>
internal sealed class StoreVerification
{
    private readonly List<StoreDamage> _damage = [];

    private StoreVerification()
    {
    }

    public IReadOnlyList<StoreDamage> Damage => _damage;

    /// <summary>Where the journal's valid entries end, when it should go on there or nothing tells whether it should; null when all is well.</summary>
    public long? JournalEnd { get; private set; }

    /// <summary>True when no checkpoint can be used.</summary>
    public bool LacksCheckpoint { get; private set; }

    /// <summary>True when the record log is damaged where opening copes with it.</summary>
    public bool HasDamagedRecords { get; private set; }

    /// <summary>
    /// An older checkpoint without damage, from which the journal leads on to the end: with it nothing is lost of what the newer one cannot read.
    /// Null when there is none, or no need for it.
    /// </summary>
    public CheckpointManifest? WholeOlder { get; private set; }

    /// <summary>Verifies a directory that no process may change meanwhile.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.UnsupportedFormat"/>: a file was written by another version.</exception>
    public static StoreVerification Run(string root, CancellationToken cancellationToken)
    {
        var verification = new StoreVerification();
        CheckpointManifest? manifest = verification.FindCheckpoint(root, cancellationToken);
        if (!verification.LacksCheckpoint)
        {
            verification.CheckJournal(root, manifest);
        }

        verification.CheckIndexes(root, cancellationToken);
        return verification;
    }

    /// <summary>Throws unless all that is in a directory can be read.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>.</exception>
    public static void RequireSound(string root, string what, CancellationToken cancellationToken)
    {
        if (Run(root, cancellationToken).Damage.FirstOrDefault(damage => damage.Effect != DamageEffect.None) is { } damage)
        {
            throw new MoorchehException(ErrorCodes.StorageDamaged, $"{what} in '{root}' is damaged: {damage.Problem}")
            {
                Facts = new Dictionary<string, object> { ["Where"] = damage.Path },
            };
        }
    }

    /// <summary>The checkpoint that opening would take.</summary>
    private CheckpointManifest? FindCheckpoint(string root, CancellationToken cancellationToken)
    {
        string directory = Path.Combine(root, "checkpoints");
        string log = Path.Combine(root, "records", "records.log");
        IReadOnlyList<long> numbers = CheckpointManifest.Numbers(directory);
        List<(string Path, string Problem)> unusable = [];
        CheckpointManifest? usable = null;
        foreach (long number in numbers)
        {
            string path = CheckpointManifest.FileOf(directory, number);
            try
            {
                CheckpointManifest manifest = CheckpointManifest.Load(directory, number);
                if (usable is null)
                {
                    LogChecksums checksums = manifest.Records.Checksums;
                    List<long> blocks = [.. checksums.FindDamage(log, checksums.Tail, cancellationToken)];
                    if (blocks.LastOrDefault(block => block >= checksums.LastPage, -1) is >= 0 and var last)
                    {
                        unusable.Add((path, $"The block at record log address {last} ('{FasterSettings.SegmentPath(log, last)}'), in the last page, is damaged."));
                        continue;
                    }

                    usable = manifest;
                    HasDamagedRecords = blocks.Count > 0;
                    _damage.AddRange(blocks.Select(block => new StoreDamage(
                        FasterSettings.SegmentPath(log, block), $"The block at record log address {block} is damaged.", DamageEffect.Partial)));
                }
                else
                {
                    // What only the older checkpoint needs matters when the newer one cannot be used.
                    // The rest is of the newer one, too; whether it is sound for this one counts where that one is damaged.
                    LogChecksums older = manifest.Records.Checksums;
                    long until = Math.Min(usable.Records.Checksums.Begin, older.Tail);
                    List<long> blocks = [.. older.FindDamage(log, HasDamagedRecords ? older.Tail : until, cancellationToken)];
                    if (HasDamagedRecords && blocks.Count == 0)
                    {
                        WholeOlder = manifest;
                    }

                    _damage.AddRange(blocks.Where(block => block < until).Select(block => new StoreDamage(
                        FasterSettings.SegmentPath(log, block), $"The block at record log address {block}, of the older checkpoint, is damaged.", DamageEffect.None)));
                }
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                unusable.Add((path, e.Message));
            }
        }

        LacksCheckpoint = numbers.Count > 0 && usable is null;
        _damage.AddRange(unusable.Select(manifest => new StoreDamage(
            manifest.Path, manifest.Problem, LacksCheckpoint ? DamageEffect.Refused : DamageEffect.None)));
        return usable;
    }

    private void CheckJournal(string root, CheckpointManifest? manifest)
    {
        string markerPath = Path.Combine(root, "journal", "committed");
        using var files = new JournalFiles(Path.Combine(root, "journal", "journal.log"), Disk.Default);
        long? committed = CommitMarker.Find(markerPath);
        if (committed is null && manifest is null && files.IsEmpty)
        {
            return; // A store that was never used.
        }

        if (manifest is null && Recovery.LacksCheckpoint(files, committed))
        {
            LacksCheckpoint = true;
            _damage.Add(new StoreDamage(
                Path.Combine(root, "checkpoints"), "No checkpoint is there, and the journal does not begin at its beginning.", DamageEffect.Refused));
            return;
        }

        long from = manifest?.JournalAddress ?? FasterSettings.FirstAddress;
        if (manifest is not null && manifest.JournalFloor < from && files.Scan(manifest.JournalFloor, (_, _, _) => { }, startsWithEntry: true) is var payloadEnd
            && payloadEnd < from)
        {
            _damage.Add(new StoreDamage(
                FasterSettings.SegmentPath(files.Path, payloadEnd), $"The journal is damaged at address {payloadEnd}, in the payload of an upload or task.", DamageEffect.Partial));
        }

        if (WholeOlder is { } older && !(files.Scan(older.JournalAddress, (_, _, _) => { }) >= committed))
        {
            WholeOlder = null;
        }

        long end = files.Scan(from, (_, _, _) => { });
        if (committed is null)
        {
            JournalEnd = end;
            _damage.Add(new StoreDamage(
                markerPath, "The commit marker is missing or damaged, so that nothing tells where the journal should end.", DamageEffect.Refused));
        }
        else if (end < committed)
        {
            JournalEnd = end;
            _damage.Add(new StoreDamage(
                FasterSettings.SegmentPath(files.Path, end),
                $"The journal is damaged at address {end}; it was committed up to address {committed}.",
                DamageEffect.Refused));
        }
    }

    private void CheckIndexes(string root, CancellationToken cancellationToken)
    {
        // An index can be made anew only from records that can all be read.
        DamageEffect effect = HasDamagedRecords ? DamageEffect.Refused : DamageEffect.None;
        foreach (string path in Directory.EnumerateFiles(Path.Combine(root, "index")).Order(StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (SectionFile.IsUnfinished(path))
                {
                    continue; // Left by a kill or a power cut; nothing refers to it, or the index is made anew.
                }

                IndexFiles.Verify(path);
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                _damage.Add(new StoreDamage(path, e.Message, effect));
            }
        }
    }
}
