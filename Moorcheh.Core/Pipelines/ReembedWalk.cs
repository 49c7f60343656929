using System.Text;
using Moorcheh.Changes;
using Moorcheh.Items;
using Moorcheh.Jobs;
using Moorcheh.Namespaces;
using Moorcheh.Storage;

namespace Moorcheh.Pipelines;

/// <summary>
/// Finds what a re-embedding has still to do. That is always what the namespace has and what was built lacks, by the numbers of the records: whatever was stored,
/// replaced or removed since, no change of items needs to know of the job.
/// </summary>
internal sealed class ReembedWalk(StoreState state, MoorchehOptions options)
{
    /// <summary>A step ends once its texts pass this many bytes.</summary>
    private const int MaxStepTextBytes = 8 << 20;

    /// <summary>The next items to embed; empty when all of those the last look found were handled.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.StorageDamaged"/>: one of them cannot be read.</exception>
    public async Task<ReembedPage> NextAsync(NamespaceEntry entry, ReembedJobEntry job)
    {
        List<long> waiting = job.Waiting ??= Look(entry, job);
        List<ReembedSource> sources = [];
        long bytes = 0;
        int next = job.Handled;
        HashSet<long>? there = null;
        for (; next < waiting.Count && sources.Count < options.Embedding.BatchItems && bytes <= MaxStepTextBytes; next++)
        {
            using RecordLease lease = await state.Records.ReadAsync(entry.ItemKey(waiting[next])).ConfigureAwait(false);
            if (lease.IsFound)
            {
                ItemRecord item = ItemRecord.Parse(lease.Body);
                bytes += item.Text.Length;
                sources.Add(new ReembedSource(waiting[next], Encoding.UTF8.GetString(item.Id), Encoding.UTF8.GetString(item.Text)));
            }
            else if ((there ??= [.. entry.Index.LiveRecords()]).Contains(waiting[next]) && entry.Index.LiveRecords().Contains(waiting[next]))
            {
                // Not one that was replaced or removed since the last look, nor since this one began.
                throw new MoorchehException(ErrorCodes.StorageDamaged, $"Record {waiting[next]} of namespace '{entry.Name}' is missing.")
                {
                    Facts = new Dictionary<string, object> { ["Where"] = entry.ItemKey(waiting[next]).ToString() },
                };
            }
        }

        return new ReembedPage(sources, next);
    }

    /// <summary>The records that have no new vector; without those whose text was refused.</summary>
    public static List<long> Look(NamespaceEntry entry, ReembedJobEntry job)
    {
        HashSet<long> built = [.. job.Index.LiveRecords()];
        return entry.Index.LiveRecords().FindAll(record => !built.Contains(ItemGeneration.Next(record)) && !job.Refused.ContainsKey(record));
    }
}

/// <summary>Items to embed together.</summary>
/// <param name="Sources">The items.</param>
/// <param name="Handled">Of all that wait, once these are handled.</param>
internal sealed record ReembedPage(List<ReembedSource> Sources, int Handled);

/// <summary>An item to embed.</summary>
/// <param name="Record">Number of its record.</param>
/// <param name="Id">Its id.</param>
/// <param name="Text">Its text.</param>
internal readonly record struct ReembedSource(long Record, string Id, string Text);
