using System.Text;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Settles which entries of an upload's step are stored and which fail, journals that, and carries it out.</summary>
internal sealed class UploadStoring(StoreState state, ChangeLog log, Embedder? embedder, MoorchehOptions options)
{
    /// <summary>More than an entry's outcome takes in the journal besides its id, error and vector.</summary>
    private const int OutcomeBytes = 128;

    /// <summary>Stores a step. Called inside a change of the namespace.</summary>
    public async Task StoreAsync(NamespaceEntry entry, List<UploadRun> runs)
    {
        runs = Fitting(runs);
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        HashSet<string>? stepAdds = runs.Count > 1 ? new HashSet<string>(StringComparer.Ordinal) : null;
        List<UploadProgress> progress = new(runs.Count);
        var quota = new QuotaChange();
        try
        {
            foreach (UploadRun run in runs)
            {
                UploadProgress next = Decide(entry, run, now, stepAdds, quota);
                log.Append(next);
                progress.Add(next);
            }
        }
        catch (Exception e)
        {
            state.Quota.Undo(quota);
            if (progress.Count > 0)
            {
                ChangeLog.Stop(entry, e);
            }

            throw;
        }

        await log.CarryOutAsync(entry, progress, CrashPoints.UploadStoring).ConfigureAwait(false);
    }

    /// <summary>Cuts runs so that the outcome of each fits a journal entry.</summary>
    private static List<UploadRun> Fitting(List<UploadRun> runs)
    {
        List<UploadRun> fitting = [];
        foreach (UploadRun run in runs)
        {
            int from = run.From;
            int bytes = OutcomeBytes;
            for (int i = run.From; i < run.To; i++)
            {
                EmbeddedText text = run.EmbeddedAt(i);
                int more = OutcomeBytes + run.Chunk.Id(i).Length + Encoding.UTF8.GetByteCount(text.Error ?? string.Empty) + (text.Vector.Length * sizeof(float));
                if (bytes + more > JournalFrame.MaxBodyBytes && i > from)
                {
                    fitting.Add(run with { From = from, To = i });
                    from = i;
                    bytes = OutcomeBytes;
                }

                bytes += more;
            }

            fitting.Add(run with { From = from });
        }

        return fitting;
    }

    /// <summary>Settles the entries of a run, and accounts for them below the item cap.</summary>
    /// <param name="entry">The namespace.</param>
    /// <param name="run">The entries.</param>
    /// <param name="now">The time of storing.</param>
    /// <param name="stepAdds">Ids that earlier runs of the same step add; null when there is one run.</param>
    /// <param name="quota">Receives what was done to the quota.</param>
    private UploadProgress Decide(NamespaceEntry entry, UploadRun run, DateTimeOffset now, HashSet<string>? stepAdds, QuotaChange quota)
    {
        List<UploadFailure> failures = [];
        List<ReadOnlyMemory<float>> vectors = [];
        for (int i = run.From; i < run.To; i++)
        {
            if (run.Chunk.Weight(i) == 0)
            {
                continue;
            }

            bool isText = run.Chunk.HasText(i);
            string? problem = isText ? run.EmbeddedAt(i).Error : null;
            problem ??= isText && entry.FindOwner(run.Chunk.Id(i)) is { } owner ? UploadAcceptor.OwnedBy(owner) : null; // It was stored since the upload was accepted.
            problem ??= TakePlace(entry, run, i, stepAdds, quota) ? null : $"item limit of {options.Limits.MaxItems} reached.";
            if (problem is not null)
            {
                failures.Add(new UploadFailure(i, $"{(isText ? "Document" : "Vector")} {i} ('{Encoding.UTF8.GetString(run.Chunk.Id(i))}'): {problem}"));
                if (run.Job.IsReserved(i))
                {
                    state.Quota.Release(1);
                    quota.Released++;
                }
            }
            else if (isText)
            {
                vectors.Add(run.EmbeddedAt(i).Vector);
            }
        }

        int dimension = vectors.Count == 0 ? 0 : vectors[0].Length;
        float[] together = new float[vectors.Count * dimension];
        for (int v = 0; v < vectors.Count; v++)
        {
            vectors[v].Span.CopyTo(together.AsSpan(v * dimension));
        }

        EmbedderFingerprint? fingerprint = dimension == 0 ? null : embedder!.Fingerprint(dimension);
        return new UploadProgress(run.Job.Id, run.From, run.To, now, failures, fingerprint, together) { Chunk = run.Chunk };
    }

    /// <summary>Uses the place an entry keeps below the item cap, gives it back for an update, or takes a free one.</summary>
    private bool TakePlace(NamespaceEntry entry, UploadRun run, int index, HashSet<string>? stepAdds, QuotaChange quota)
    {
        ReadOnlySpan<byte> id = run.Chunk.Id(index);
        string? added = stepAdds is null ? null : Encoding.UTF8.GetString(id);
        bool isNew = entry.Index.FindRecord(id) < 0 && (added is null || !stepAdds!.Contains(added));
        bool isReserved = run.Job.IsReserved(index);
        if (isNew)
        {
            if (isReserved)
            {
                state.Quota.UseReserved();
                quota.Used++;
            }
            else if (state.Quota.TryAdd())
            {
                quota.Added++;
            }
            else
            {
                return false;
            }

            if (added is not null)
            {
                stepAdds!.Add(added);
            }
        }
        else if (isReserved)
        {
            state.Quota.Release(1);
            quota.Released++;
        }

        return true;
    }
}
