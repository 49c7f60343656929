using System.Text;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Carries out uploads step by step: read the payload from the journal, embed texts, journal the outcome, then store, make visible
/// and count. A step takes entries of several waiting uploads of a namespace, so that many small ones share a flush.
/// </summary>
internal sealed class UploadPipeline(
    StoreState state, IJournal journal, CheckpointGate gate, DiskState disk, WorkMarks marks, Embedder? embedder, MoorchehOptions options)
{
    private const int StepVectors = 2048;
    private const int StepJobs = WorkMarks.MaxWorks;

    /// <summary>More than an entry's outcome takes in the journal besides its id, error and vector.</summary>
    private const int OutcomeBytes = 128;

    /// <summary>Handles the next entries of a namespace's uploads.</summary>
    /// <returns>True when something was done.</returns>
    public async Task<bool> StepAsync(NamespaceEntry entry, CancellationToken cancellationToken)
    {
        // What an earlier step left moves the cursors, so it goes before the choice of entries.
        if (entry.Failure is null && entry.Unfinished is not null)
        {
            await NamespaceChanges.FinishAsync(entry, gate, journal, cancellationToken).ConfigureAwait(false);
            return true;
        }

        List<Run> runs = entry.Failure is null ? TakeRuns(entry) : [];
        if (runs.Count == 0)
        {
            return false;
        }

        if (disk.ReadOnlyReason is not null)
        {
            // The job was accepted; it goes on when there is room again.
            await Task.Delay(DiskState.RetryPause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            return true;
        }

        UploadJobEntry[] jobs = [.. runs.Select(run => run.Job).Distinct()];
        if (jobs[0].TooManyEnds is { } cause)
        {
            await GiveUpAsync(entry, jobs[0], cause).ConfigureAwait(false);
            return true;
        }

        // Vectors run nobody else's code, and are many and small: they are marked once a process has ended.
        bool isMarked = entry.Kind == NamespaceKind.Text || marks.WasKilled;
        using WorkMarks.Mark mark = isMarked ? await marks.BeginAsync([.. jobs.Select(job => job.Work)], jobs[0].ProcessEnds).ConfigureAwait(false) : default;
        if (entry.Kind == NamespaceKind.Text)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(
                [cancellationToken, entry.Deleted.Token, .. runs.Select(run => run.Job.Cancellation.Token).Distinct()]);
            try
            {
                await EmbedAsync(entry, runs, stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Whoever cancelled it ends the upload; the others of this step go on without it.
                await Task.Yield();
                return true;
            }
        }

        return await NamespaceChanges.RunAsync(
            entry,
            gate,
            journal,
            async () =>
            {
                List<Run> wanted = runs.FindAll(run => !run.Job.IsFinished);
                if (entry.State == NamespaceState.Active && wanted.Count > 0)
                {
                    await StoreAsync(entry, Fitting(wanted)).ConfigureAwait(false);
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static string Describe(UploadChunk chunk, int index, string problem) =>
        $"{(chunk.HasText(index) ? "Document" : "Vector")} {index} ('{Encoding.UTF8.GetString(chunk.Id(index))}'): {problem}";

    /// <summary>Cuts runs so that the outcome of each fits a journal entry.</summary>
    private static List<Run> Fitting(List<Run> runs)
    {
        List<Run> fitting = [];
        foreach (Run run in runs)
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

    /// <summary>Chooses the next entries in the order of acceptance.</summary>
    private List<Run> TakeRuns(NamespaceEntry entry)
    {
        List<UploadJobEntry> jobs;
        lock (entry.Lock)
        {
            jobs = [.. entry.Uploads.TakeWhile(job => job.IsReady).Where(job => job.IsWorkable).Take(StepJobs)];
        }

        // One that processes ended with takes no other along.
        jobs = jobs.Count > 0 && jobs[0].ProcessEnds > 0 ? [jobs[0]] : [.. jobs.TakeWhile(job => job.ProcessEnds == 0)];

        int room = entry.Kind == NamespaceKind.Text ? options.Embedding.BatchItems : StepVectors;
        List<Run> runs = [];
        foreach (UploadJobEntry job in jobs)
        {
            int total = job.Status.Total;
            for (int from = job.Cursor; from < total && room > 0;)
            {
                UploadChunk chunk;
                try
                {
                    chunk = ChunkAt(job, from);
                }
                catch (Exception) when (runs.Count > 0)
                {
                    return runs; // What comes before it is sound. Next time it is first, and its failure is its own.
                }

                int to = Math.Min(chunk.End, from + room);
                runs.Add(new Run(job, chunk, from, new EmbeddedText[to - from], from, to));
                room -= to - from;
                from = to;
            }

            if (room <= 0)
            {
                break;
            }
        }

        return runs;
    }

    private UploadChunk ChunkAt(UploadJobEntry job, int index)
    {
        if (job.Chunk is { } chunk && index >= chunk.First && index < chunk.End)
        {
            return chunk;
        }

        long address = job.Chunks.Last(reference => reference.First <= index).Address;
        return job.Chunk = UploadChunk.Parse(journal.Read(address, JournalEntryType.UploadChunk));
    }

    private async Task EmbedAsync(NamespaceEntry entry, List<Run> runs, CancellationToken cancellationToken)
    {
        if (embedder is null)
        {
            FailAll(runs, "no embedding provider is configured.");
            return;
        }

        if (FailMismatch(entry, embedder, runs))
        {
            return;
        }

        List<string> texts = [];
        foreach (Run run in runs)
        {
            for (int i = run.From; i < run.To; i++)
            {
                if (run.Chunk.Weight(i) > 0)
                {
                    texts.Add(Encoding.UTF8.GetString(run.Chunk.Text(i)));
                }
            }
        }

        EmbeddedText[] embedded = texts.Count == 0 ? [] : await embedder.EmbedAsync(texts, cancellationToken).ConfigureAwait(false);
        int next = 0;
        foreach (Run run in runs)
        {
            for (int i = run.From; i < run.To; i++)
            {
                if (run.Chunk.Weight(i) > 0)
                {
                    EmbeddedText text = embedded[next++];
                    run.Embedded[i - run.First] = text.Error is null ? text : text with { Error = $"embedding failed: {text.Error}." };
                }
            }
        }

        // A generator that does not declare its dimension shows it with its first vector.
        FailMismatch(entry, embedder, runs);
    }

    private static bool FailMismatch(NamespaceEntry entry, Embedder embedder, List<Run> runs)
    {
        if (entry.BoundEmbedder is not { } bound || embedder.Matches(bound))
        {
            return false;
        }

        string now = $"{embedder.Provider}/{embedder.Model}";
        FailAll(runs, bound.Name == now
            ? $"namespace was embedded with '{bound.Name}' ({bound.Dimension} values); the server now uses '{now}' ({embedder.Dimension} values)."
            : $"namespace was embedded with '{bound.Name}'; the server now uses '{now}'.");
        return true;
    }

    private static void FailAll(List<Run> runs, string problem)
    {
        foreach (Run run in runs)
        {
            Array.Fill(run.Embedded, new EmbeddedText(default, problem));
        }
    }

    /// <summary>Ends an upload whose steps keep failing; what is left of it counts as failed.</summary>
    public Task GiveUpAsync(NamespaceEntry entry, UploadJobEntry job, Exception cause) =>
        EndAsync(entry, job, $"The upload cannot go on: {cause.Message}", cancelled: false);

    /// <summary>Ends an upload at the next safe point; what is stored stays, what is left counts as failed.</summary>
    /// <returns>False when it had ended before.</returns>
    public async Task<bool> CancelAsync(NamespaceEntry entry, UploadJobEntry job, ChangeTicket ticket)
    {
        NamespaceChanges.CheckNotStopped(entry);
        ticket.Begin(job.Status.JobId, entry.Name); // From here on nothing more is stored of it, so it must be ended.
        await job.Cancellation.CancelAsync().ConfigureAwait(false);
        return await EndAsync(entry, job, $"Job '{job.Status.JobId}' was cancelled.", cancelled: true).ConfigureAwait(false);
    }

    private Task<bool> EndAsync(NamespaceEntry entry, UploadJobEntry job, string lastError, bool cancelled) =>
        NamespaceChanges.RunAsync(
            entry,
            gate,
            journal,
            async () =>
            {
                if (job.IsFinished)
                {
                    return false;
                }

                var ended = new UploadEnded(job.Id, options.TimeProvider.GetUtcNow(), lastError, cancelled);
                var writer = new ByteWriter();
                ended.Write(writer);
                journal.Append(JournalEntryType.UploadEnded, writer.Written);
                await NamespaceChanges.CarryOutAsync(entry, journal, () =>
                {
                    state.Quota.Release(job.CountReserved());
                    state.Apply(job, ended);
                    return ValueTask.CompletedTask;
                }).ConfigureAwait(false);
                return true;
            },
            CancellationToken.None);

    private async Task StoreAsync(NamespaceEntry entry, List<Run> runs)
    {
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        HashSet<string>? stepAdds = runs.Count > 1 ? new HashSet<string>(StringComparer.Ordinal) : null;
        var writer = new ByteWriter();
        var progress = new UploadProgress[runs.Count];
        var quota = new QuotaChange();
        int appended = 0;
        try
        {
            for (int r = 0; r < runs.Count; r++)
            {
                progress[r] = Decide(entry, runs[r], now, stepAdds, quota);
                writer.Clear();
                progress[r].Write(writer);
                journal.Append(JournalEntryType.UploadProgress, writer.Written);
                appended++;
            }
        }
        catch (Exception e)
        {
            state.Quota.Undo(quota);
            if (appended > 0)
            {
                NamespaceChanges.Stop(entry, e);
            }

            throw;
        }

        await NamespaceChanges.CarryOutAsync(entry, journal, async () =>
        {
            CrashPoints.Pass(CrashPoints.UploadStoring);
            for (int r = 0; r < runs.Count; r++)
            {
                await state.ApplyAsync(entry, runs[r].Job, runs[r].Chunk, progress[r]).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>Settles which entries of a run are stored and which fail, and accounts for them below the item cap.</summary>
    /// <param name="entry">The namespace.</param>
    /// <param name="run">The entries.</param>
    /// <param name="now">The time of storing.</param>
    /// <param name="stepAdds">Ids that earlier runs of the same step add; null when there is one run.</param>
    /// <param name="quota">Receives what was done to the quota.</param>
    private UploadProgress Decide(NamespaceEntry entry, Run run, DateTimeOffset now, HashSet<string>? stepAdds, QuotaChange quota)
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
                failures.Add(new UploadFailure(i, Describe(run.Chunk, i, problem)));
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
        return new UploadProgress(run.Job.Id, run.From, run.To, now, failures, fingerprint, together);
    }

    /// <summary>Uses the place an entry keeps below the item cap, gives it back for an update, or takes a free one.</summary>
    private bool TakePlace(NamespaceEntry entry, Run run, int index, HashSet<string>? stepAdds, QuotaChange quota)
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

    /// <summary>Entries of one chunk that are handled together.</summary>
    /// <param name="Job">The upload.</param>
    /// <param name="Chunk">Holds the entries.</param>
    /// <param name="First">The entry of the first of <paramref name="Embedded"/>.</param>
    /// <param name="Embedded">What became of the texts; empty values for vectors.</param>
    /// <param name="From">First entry.</param>
    /// <param name="To">First entry after it.</param>
    private sealed record Run(UploadJobEntry Job, UploadChunk Chunk, int First, EmbeddedText[] Embedded, int From, int To)
    {
        public EmbeddedText EmbeddedAt(int index) => Embedded[index - First];
    }
}
