using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>Makes chunks of the size a client asks for out of stored ones: joined while they fit, cut where one is too long.</summary>
/// <param name="countTokens">The tokenizer.</param>
/// <param name="maxTokens">What the client asks for; null for <see cref="DefaultMaxTokens"/>. A tenth of it is left free.</param>
internal sealed class ChunkJoiner(Func<string, int> countTokens, long? maxTokens)
{
    private const int DefaultMaxTokens = 4096;

    // No stored artifact has as many tokens.
    private const int GreatestTokens = 1 << 26;

    private readonly int _tokens = (int)Math.Min((maxTokens ?? DefaultMaxTokens) - ((maxTokens ?? DefaultMaxTokens) / 10), GreatestTokens);

    /// <summary>The chunks in order; the id of each is that of the first stored chunk in it.</summary>
    public IEnumerable<ArtifactChunk> Join(IReadOnlyList<ArtifactChunk> stored)
    {
        List<ArtifactChunk> waiting = [];
        int tokens = 0;
        foreach (ArtifactChunk chunk in stored)
        {
            int more = countTokens(chunk.Text);
            if (waiting.Count > 0 && tokens + more > _tokens)
            {
                yield return Joined(waiting);
                waiting.Clear();
                tokens = 0;
            }

            if (more > _tokens)
            {
                foreach (Range part in new TextChunker(countTokens, _tokens, atBlanks: true).Split(chunk.Text, CancellationToken.None))
                {
                    yield return chunk with { Text = chunk.Text[part] };
                }
            }
            else
            {
                waiting.Add(chunk);
                tokens += more;
            }
        }

        if (waiting.Count > 0)
        {
            yield return Joined(waiting);
        }
    }

    private static ArtifactChunk Joined(List<ArtifactChunk> chunks) => chunks[0] with { Text = string.Concat(chunks.Select(chunk => chunk.Text)) };
}
