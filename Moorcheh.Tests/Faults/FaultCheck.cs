using System.Text;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>Holds a store that was opened after a crash against the oracle: nothing acknowledged is lost, nothing is mixed, nothing is stuck.</summary>
internal static class FaultCheck
{
    /// <summary>Checks everything.</summary>
    /// <param name="store">The store.</param>
    /// <param name="histories">One of each namespace.</param>
    /// <param name="position">When the crash was.</param>
    /// <param name="queries">Searches of each namespace.</param>
    /// <param name="token">Ends the wait for jobs.</param>
    /// <returns>What each namespace holds.</returns>
    public static async Task<Dictionary<string, Dictionary<string, int>?>> RunAsync(
        MoorchehStore store, IReadOnlyList<FaultHistory> histories, long position, int queries, CancellationToken token)
    {
        foreach (FaultHistory history in histories)
        {
            CheckJobs(store, history.Until(position));
        }

        while (store.Jobs.List(new JobFilter { State = JobState.Running, Limit = JobCollection.MaxListed }) is { Count: > 0 } running)
        {
            foreach (JobStatus job in running)
            {
                await store.Jobs.WaitAsync(job.Id, token);
            }
        }

        Dictionary<string, Dictionary<string, int>?> actual = [];
        foreach (FaultHistory history in histories)
        {
            FaultWorkload workload = history.Workload;
            Dictionary<string, int>? items = await ReadAsync(store, workload);
            actual.Add(workload.Name, items);
            List<Dictionary<string, int>?> allowed = [.. history.Allowed(position)];
            if (!allowed.Any(state => Same(state, items)))
            {
                throw new FaultException(Explain(workload.Name, allowed, items));
            }

            if (items is not null)
            {
                await SearchAsync(store, workload, items, queries);
            }
        }

        StoreStatus status = store.GetStatus();
        Require(status.Items == store.ListNamespaces().Sum(info => info.ItemCount), $"The status counts {status.Items} items.");
        Require(status.ReservedItems == 0, $"{status.ReservedItems} places are reserved.");
        return actual;
    }

    private static void CheckJobs(MoorchehStore store, IReadOnlyList<FaultNote> notes)
    {
        foreach (FaultNote note in notes.Where(note => note.JobId is not null))
        {
            JobStatus? job = store.Jobs.Find(note.JobId!);
            Require(job is not null, $"Job {note.JobId} of step {note.Step} was acknowledged and is gone.");
            Require(note.Moment != FaultMoment.Finished || job!.State == JobState.Completed, $"Job {note.JobId} of step {note.Step} had finished and is {job!.State}.");
        }
    }

    /// <summary>The items by id with their versions; each must be of one version as a whole.</summary>
    private static async Task<Dictionary<string, int>?> ReadAsync(MoorchehStore store, FaultWorkload workload)
    {
        if (store.FindNamespace(workload.Name) is not { } info)
        {
            return null;
        }

        Dictionary<string, int> items = [];
        ItemPage page = await store.ListItemsAsync(workload.Name);
        long bytes = 0;
        foreach (Item item in page.Items)
        {
            int version = FaultWorkload.VersionOf(item.Metadata);
            Document expected = FaultWorkload.Document(item.Id, version);
            Require(item.Metadata.ToString() == expected.Metadata!.ToString(), $"'{item.Id}' has mixed metadata.");
            Require(item.Text == (workload.IsText ? expected.Text : null), $"'{item.Id}' has the text of another version.");
            items.Add(item.Id, version);
            bytes += item.Id.Length + (FaultWorkload.Dimension * sizeof(float)) + Encoding.UTF8.GetByteCount(item.Text ?? string.Empty) + item.Metadata.Utf8Json.Length;
        }

        Require(!page.HasMore && info.ItemCount == items.Count, $"'{workload.Name}' counts {info.ItemCount} items and lists {items.Count}.");
        Require(info.StoredBytes == bytes, $"'{workload.Name}' counts {info.StoredBytes} bytes and holds {bytes}.");
        Require(info.RunningJobs == 0, $"'{workload.Name}' has {info.RunningJobs} running jobs.");
        return items;
    }

    private static async Task SearchAsync(MoorchehStore store, FaultWorkload workload, Dictionary<string, int> items, int queries)
    {
        VectorItem[] vectors = [.. items.Select(item => workload.Comparable(item.Key, item.Value))];
        for (int query = 0; query < queries; query++)
        {
            string text = $"query {query}";
            float[] vector = FaultWorkload.Embed(text);
            var request = workload.IsText ? new SearchRequest(workload.Name, text) { TopK = 100 } : new SearchRequest(workload.Name, vector) { TopK = 100 };
            SearchResult found = await store.SearchAsync(request);
            string[] expected = BruteForce.Nearest(vectors, vector, 100);
            Require(found.Hits.Select(hit => hit.Id).SequenceEqual(expected), $"A search of '{workload.Name}' is not as brute force.");
        }
    }

    private static bool Same(Dictionary<string, int>? x, Dictionary<string, int>? y) =>
        x is null || y is null ? x == y : x.Count == y.Count && x.All(pair => y.TryGetValue(pair.Key, out int version) && version == pair.Value);

    private static string Explain(string name, List<Dictionary<string, int>?> allowed, Dictionary<string, int>? actual)
    {
        var text = new StringBuilder($"'{name}' is in none of {allowed.Count} allowed states.");
        foreach (Dictionary<string, int>? state in allowed)
        {
            text.Append(CultureInfo, $"\n  of {state?.Count ?? -1} items, has {actual?.Count ?? -1}:");
            foreach (string id in (state ?? []).Keys.Union((actual ?? []).Keys).Order(StringComparer.Ordinal))
            {
                int should = state?.GetValueOrDefault(id) ?? 0;
                int found = actual?.GetValueOrDefault(id) ?? 0;
                if (should != found)
                {
                    text.Append(CultureInfo, $" {id}: {found}, not {should};");
                }
            }
        }

        return text.ToString();
    }

    private static System.Globalization.CultureInfo CultureInfo => System.Globalization.CultureInfo.InvariantCulture;

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new FaultException(problem);
        }
    }
}

/// <summary>A promise was broken.</summary>
internal sealed class FaultException(string message, Exception? cause = null) : Exception(message, cause);
