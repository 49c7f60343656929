using Moorcheh.Changes;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>Chooses what the next step of a namespace's uploads handles, in the order of acceptance.</summary>
internal sealed class UploadChoice(ChangeLog log, MoorchehOptions options)
{
    private const int StepVectors = 2048;
    private const int StepJobs = WorkMarks.MaxWorks;

    public List<UploadRun> Next(NamespaceEntry entry)
    {
        List<UploadJobEntry> jobs;
        lock (entry.Lock)
        {
            // What was accepted behind a delete by a filter waits for it.
            IReadOnlySet<Guid>? ahead = entry.ItemDeletes.First?.Value.Ahead;
            jobs = [.. entry.Uploads.TakeWhile(job => job.IsReady && ahead?.Contains(job.Id) != false).Where(job => job.IsWorkable).Take(StepJobs)];
        }

        // One that processes ended with takes no other along.
        jobs = jobs.Count > 0 && jobs[0].ProcessEnds > 0 ? [jobs[0]] : [.. jobs.TakeWhile(job => job.ProcessEnds == 0)];

        int room = entry.Kind == NamespaceKind.Text ? options.Embedding.BatchItems : StepVectors;
        List<UploadRun> runs = [];
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
                runs.Add(new UploadRun(job, chunk, from, new EmbeddedText[to - from], from, to));
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

    private UploadChunk ChunkAt(UploadJobEntry job, int index) => job.Chunk is { } chunk && index >= chunk.First && index < chunk.End
        ? chunk
        : job.Chunk = UploadChunk.Parse(log.Read(job.AddressOf(index), JournalEntryType.UploadChunk));
}
