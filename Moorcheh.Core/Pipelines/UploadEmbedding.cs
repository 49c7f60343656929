using System.Text;
using Moorcheh.Namespaces;

namespace Moorcheh.Pipelines;

/// <summary>Embeds the texts of an upload's step. A text that cannot be embedded fails alone.</summary>
internal sealed class UploadEmbedding(Embedder? embedder)
{
    public async Task EmbedAsync(NamespaceEntry entry, List<UploadRun> runs, CancellationToken cancellationToken)
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
        foreach (UploadRun run in runs)
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
        foreach (UploadRun run in runs)
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

    private static bool FailMismatch(NamespaceEntry entry, Embedder embedder, List<UploadRun> runs)
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

    private static void FailAll(List<UploadRun> runs, string problem)
    {
        foreach (UploadRun run in runs)
        {
            Array.Fill(run.Embedded, new EmbeddedText(default, problem));
        }
    }
}
