using System.Text;
using Moorcheh.Artifacts;

namespace Moorcheh.Http.Artifacts;

/// <summary>A chunk of the size a client asks for.</summary>
/// <param name="First">The first wanted chunk in it.</param>
/// <param name="Last">The last one.</param>
/// <param name="Part">The UTF-8 bytes that are meant, when it is a part of one chunk; null for all.</param>
internal readonly record struct JoinedChunk(int First, int Last, Range? Part);

/// <summary>Makes chunks of the size a client asks for out of stored ones: joined while they fit, cut where one is too long.</summary>
/// <param name="countTokens">The tokenizer.</param>
/// <param name="maxTokens">What the client asks for; null for <see cref="DefaultMaxTokens"/>. A tenth of it is left free.</param>
internal sealed class ChunkJoiner(Func<string, int> countTokens, long? maxTokens)
{
    private const int DefaultMaxTokens = 4096;

    // No stored artifact has as many tokens.
    private const int GreatestTokens = 1 << 26;

    private readonly int _tokens = (int)Math.Min((maxTokens ?? DefaultMaxTokens) - ((maxTokens ?? DefaultMaxTokens) / 10), GreatestTokens);

    /// <summary>The chunks in order, found while they are asked for.</summary>
    public async IAsyncEnumerable<JoinedChunk> JoinAsync(WantedArtifact artifact)
    {
        int first = 0;
        int tokens = 0;
        for (int i = 0; i < artifact.Count; i++)
        {
            string text = Encoding.UTF8.GetString((await artifact.ReadTextAsync(i)).Span);
            int more = countTokens(text);
            if (i > first && tokens + more > _tokens)
            {
                yield return new JoinedChunk(first, i - 1, null);
                first = i;
                tokens = 0;
            }

            if (more <= _tokens)
            {
                tokens += more;
                continue;
            }

            int start = 0;
            foreach (Range part in new TextChunker(countTokens, _tokens, atBlanks: true).Split(text, CancellationToken.None))
            {
                int end = start + Encoding.UTF8.GetByteCount(text.AsSpan()[part]);
                yield return new JoinedChunk(i, i, start..end);
                start = end;
            }

            first = i + 1;
        }

        if (first < artifact.Count)
        {
            yield return new JoinedChunk(first, artifact.Count - 1, null);
        }
    }
}
