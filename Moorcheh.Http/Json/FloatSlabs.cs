using System.Buffers;

namespace Moorcheh.Http.Json;

/// <summary>
/// Memory for the vectors of one upload, cut from large rented arrays. Dispose it only after the store has returned from the
/// upload call: until then the store may read the vectors.
/// </summary>
internal sealed class FloatSlabs : IDisposable
{
    // The first slab serves small uploads; from the second on they are large.
    private const int FirstSlabFloats = 1 << 12;
    private const int SlabFloats = 1 << 18;

    private readonly List<float[]> _slabs = [];
    private int _used;

    public Memory<float> Take(int count)
    {
        if (_slabs.Count == 0 || _slabs[^1].Length - _used < count)
        {
            _slabs.Add(ArrayPool<float>.Shared.Rent(Math.Max(count, _slabs.Count == 0 ? FirstSlabFloats : SlabFloats)));
            _used = 0;
        }

        Memory<float> taken = _slabs[^1].AsMemory(_used, count);
        _used += count;
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (float[] slab in _slabs)
        {
            ArrayPool<float>.Shared.Return(slab);
        }

        _slabs.Clear();
    }
}
