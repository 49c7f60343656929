using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>Up to <see cref="MaxQueries"/> queries that share one pass over the codes, and the buffers they share. Reused between searches.</summary>
internal sealed class QueryTile
{
    /// <summary>Queries of a full tile.</summary>
    public const int MaxQueries = BlockScan.QueriesPerTile;

    /// <summary>Slots scanned at a time, over all queries: their sums stay in the first cache level until they have become bounds.</summary>
    public const int SlotsPerStep = 4096;

    private readonly QueryState[] _states = [new(), new(), new(), new()];

    /// <summary>Queries in use.</summary>
    public int Count { get; private set; }

    /// <summary>The queries in use.</summary>
    public ReadOnlySpan<QueryState> States => _states.AsSpan(0, Count);

    /// <summary>Look-up tables against the segment being scanned, one query after the other.</summary>
    public byte[] Tables { get; private set; } = [];

    /// <summary>As long as the padded dimension.</summary>
    public float[] Scratch { get; private set; } = [];

    /// <summary>Sums of the blocks being scanned, one query after the other.</summary>
    public int[] Sums { get; } = new int[SlotsPerStep];

    /// <summary>Candidates of one query in the segment being looked at.</summary>
    public Survivor[] Found { get; } = new Survivor[SlotsPerStep];

    public QueryState this[int query] => _states[query];

    /// <summary>Empties the tile.</summary>
    public void Begin() => Count = 0;

    /// <summary>Adds a query; all of a tile are equally long.</summary>
    public void Add(ReadOnlySpan<float> query, int k, SearchGuarantee guarantee)
    {
        _states[Count++].Begin(query, k, CandidateSearch.EpsilonOf(guarantee, k));
        int padded = BlockLayout.PaddedDimension(query.Length);
        int tables = Count * BlockLayout.TableBytes(padded);
        if (Tables.Length < tables)
        {
            Tables = new byte[tables];
        }

        if (Scratch.Length != padded)
        {
            Scratch = new float[padded];
        }
    }
}
