namespace Moorcheh.Embeddings.Text;

/// <summary>
/// The pieces of a vocabulary as a trie. All its edges lie in one open-addressed table keyed by node and character, so a step is one
/// look-up and the whole of it fits in the cache.
/// </summary>
internal sealed class PieceTrie
{
    public const int Root = 0;
    public const int None = -1;

    private const int MaxNodes = 1 << 16;   // a node and a character share one 32-bit key

    private readonly uint[] _keys;
    private readonly ushort[] _targets;   // 0 marks a free slot: no edge leads to the root
    private readonly int _shift;
    private readonly List<int> _ids = [None];

    public PieceTrie(IEnumerable<(string Text, int Id)> pieces)
    {
        List<(string Text, int Id)> all = [.. pieces];
        int bits = 32 - int.LeadingZeroCount(2 * all.Sum(piece => piece.Text.Length));
        _keys = new uint[1 << bits];
        _targets = new ushort[1 << bits];
        _shift = 32 - bits;
        foreach ((string text, int id) in all)
            Add(text, id);
    }

    /// <summary>The node one character further, or <see cref="None"/>.</summary>
    public int Next(int node, char character)
    {
        int slot = Slot(((uint)node << 16) | character);
        return _targets[slot] == 0 ? None : _targets[slot];
    }

    /// <summary>The id of the piece that ends at the node, or <see cref="None"/>.</summary>
    public int IdAt(int node) => _ids[node];

    private void Add(string text, int id)
    {
        int node = Root;
        foreach (char character in text)
        {
            uint key = ((uint)node << 16) | character;
            int slot = Slot(key);
            if (_targets[slot] == 0)
            {
                if (_ids.Count == MaxNodes)
                    throw new InvalidDataException($"The vocabulary needs more than {MaxNodes} trie nodes.");
                _keys[slot] = key;
                _targets[slot] = (ushort)_ids.Count;
                _ids.Add(None);
            }
            node = _targets[slot];
        }
        _ids[node] = id;
    }

    private int Slot(uint key)
    {
        int mask = _keys.Length - 1;
        int slot = (int)((key * 2654435769u) >> _shift);
        while (_targets[slot] != 0 && _keys[slot] != key)
            slot = (slot + 1) & mask;
        return slot;
    }
}
