using System.Numerics;
using System.Text;
using Moorcheh.Items;

namespace Moorcheh.Search;

/// <summary>
/// The best items of one search so far, with copies of their records. The order is total: cosine descending, then namespace, then id,
/// ordinal.
/// </summary>
internal sealed class BestItems
{
    // Copies are kept for the next search up to this size each.
    private const int MaxIdleBytes = 16 << 10;

    private readonly List<Ranked> _items = [];
    private readonly byte[]?[] _copies = new byte[SearchRequest.MaxTopK][];
    private SearchPlan _plan = null!;
    private long _copiedBytes;

    /// <summary>True when no records are kept: they are too many bytes for who sends them, or only cosines are asked for.</summary>
    public bool KeepsNone { get; private set; }

    /// <summary>Begins a search. <see cref="Clear"/> ends it.</summary>
    public void Begin(SearchPlan plan)
    {
        _plan = plan;
        KeepsNone = plan.Words is not null;
    }

    /// <summary>Items so far.</summary>
    public int Count => _items.Count;

    /// <summary>The cosine of an item.</summary>
    public double Cosine(int index) => _items[index].Cosine;

    /// <summary>True when what has at most this cosine cannot come in; an equal cosine can, by its id.</summary>
    public bool IsComplete(float upper) => _items.Count == _plan.Nearest && upper < _items[^1].Cosine;

    /// <summary>Takes an item in if it is one of the best.</summary>
    public void Offer(int place, double cosine, ReadOnlySpan<byte> record)
    {
        var ranked = new Ranked(cosine, place, Copy: _items.Count, record.Length, ItemRecord.PlainLength(record));
        int at = _items.Count;
        while (at > 0 && Compare(ranked, _items[at - 1]) < 0)
        {
            at--;
        }

        int k = _plan.Nearest;
        if (at < k)
        {
            if (_items.Count == k)
            {
                ranked = ranked with { Copy = _items[k - 1].Copy };
                _copiedBytes -= _items[k - 1].PlainLength;
                _items.RemoveAt(k - 1);
            }

            _copiedBytes += ranked.PlainLength;
            KeepsNone |= _plan.Records is not null && _copiedBytes > RecordSet.MaxCopiedBytes;
            if (!KeepsNone)
            {
                Keep(ranked.Copy, record);
            }

            _items.Insert(at, ranked);
        }
    }

    /// <summary>False when one does not pass the filter; needs the copies.</summary>
    public bool PassFilter()
    {
        if (_plan.Filter is { } filter)
        {
            foreach (Ranked ranked in _items)
            {
                if (!filter.Matches(ItemRecord.Parse(CopyOf(ranked))))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Items with the score that is asked for.</summary>
    public int CountHits()
    {
        int count = 0;
        while (count < _items.Count && !(ItsScore.FromCosine(_items[count].Cosine) < _plan.Request.MinimumScore))
        {
            count++;
        }

        return count;
    }

    public int Place(int index) => _items[index].Place;

    /// <summary>A copy of the record, unless there is none.</summary>
    public ReadOnlySpan<byte> Record(int index) => CopyOf(_items[index]);

    /// <summary>The answer; without text and metadata where somebody else sends the records.</summary>
    public SearchHit[] TakeHits()
    {
        int count = CountHits();
        if (count == 0)
        {
            return [];
        }

        var hits = new SearchHit[count];
        for (int i = 0; i < count; i++)
        {
            bool isBare = _plan.Records is not null;
            ItemRecord item = isBare ? default : ItemRecord.Parse(Record(i));
            double score = ItsScore.FromCosine(_items[i].Cosine);
            hits[i] = new SearchHit
            {
                Id = Encoding.UTF8.GetString(_plan.Scope.IdOf(_items[i].Place)),
                Namespace = _plan.Scope.Source(_items[i].Place).Name,
                Score = score,
                Label = ItsScore.Label(score),
                Cosine = _items[i].Cosine,
                Metadata = isBare ? ItemMetadata.Empty : ItemMetadata.FromStored(item.Metadata),
                Text = item.HasText ? Encoding.UTF8.GetString(item.Text) : null,
            };
        }

        return hits;
    }

    /// <summary>Forgets the items, and the search.</summary>
    public void Clear()
    {
        foreach (Ranked ranked in _items)
        {
            if (ranked.Copy < _copies.Length && _copies[ranked.Copy]?.Length > MaxIdleBytes)
            {
                _copies[ranked.Copy] = null;
            }
        }

        _items.Clear();
        _copiedBytes = 0;
        KeepsNone = false;
        _plan = null!;
    }

    // Rented arrays would not do: for a hundred hits there are more of them than the shared pool holds.
    private void Keep(int copy, ReadOnlySpan<byte> record)
    {
        if (_copies[copy] is not { } bytes || bytes.Length < record.Length)
        {
            _copies[copy] = bytes = new byte[(int)BitOperations.RoundUpToPowerOf2((uint)record.Length)];
        }

        record.CopyTo(bytes);
    }

    private ReadOnlySpan<byte> CopyOf(Ranked ranked) => _copies[ranked.Copy].AsSpan(0, ranked.Length);

    private int Compare(in Ranked x, in Ranked y)
    {
        int order = y.Cosine.CompareTo(x.Cosine);
        return order != 0 ? order : _plan.Scope.ComparePlaces(x.Place, y.Place);
    }

    /// <param name="Cosine">With the query.</param>
    /// <param name="Place">In the scope.</param>
    /// <param name="Copy">Which copy is the record's.</param>
    /// <param name="Length">Of the record.</param>
    /// <param name="PlainLength">Of the record for who sends it.</param>
    private readonly record struct Ranked(double Cosine, int Place, int Copy, int Length, int PlainLength);
}
