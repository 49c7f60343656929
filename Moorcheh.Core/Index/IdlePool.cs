namespace Moorcheh.Index;

/// <summary>Keeps a few objects with large buffers for the next search. Safe for use from several threads; takes no lock.</summary>
internal sealed class IdlePool<T>
    where T : class, new()
{
    // More searches at once than this are rare, and each idle object holds buffers.
    private const int MaxIdle = 32;

    private readonly T?[] _idle = new T?[MaxIdle];

    /// <summary>An idle object, or a new one.</summary>
    public T Rent()
    {
        for (int i = 0; i < _idle.Length; i++)
        {
            if (_idle[i] is not null && Interlocked.Exchange(ref _idle[i], null) is { } idle)
            {
                return idle;
            }
        }

        return new T();
    }

    /// <summary>Gives an object back; it is dropped when enough are idle.</summary>
    public void Return(T item)
    {
        for (int i = 0; i < _idle.Length; i++)
        {
            if (_idle[i] is null && Interlocked.CompareExchange(ref _idle[i], item, null) is null)
            {
                return;
            }
        }
    }
}
