namespace Moorcheh.Kernels;

/// <summary>Walks the wanted blocks a fixed number of places ahead of the scan, so that skipped blocks are not prefetched.</summary>
internal ref struct BlockLookahead
{
    private readonly ReadOnlySpan<ulong> _masks;
    private int _block;

    public BlockLookahead(ReadOnlySpan<ulong> masks, int first, int distance)
    {
        _masks = masks;
        _block = first - 1;

        // The scan's first call moves on by one, from the block it is at, so one place less here.
        for (int i = 0; i < distance; i++)
        {
            Advance();
        }
    }

    /// <summary>The block to prefetch while <paramref name="block"/> is scanned; itself when nothing is left.</summary>
    public int Next(int block)
    {
        Advance();
        return _block < _masks.Length ? _block : block;
    }

    private void Advance()
    {
        if (_block < _masks.Length)
        {
            _block++;
            while (_block < _masks.Length && _masks[_block] == 0)
            {
                _block++;
            }
        }
    }
}
