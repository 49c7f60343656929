namespace Moorcheh.Http.Transfers;

/// <summary>Bytes that requests and answers under way may hold together. Safe for use from several threads.</summary>
internal sealed class ByteBudget(long capacity)
{
    private long _taken;

    public long Capacity => capacity;

    /// <summary>Bytes taken now.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Takes bytes; false, and nothing taken, when there are not as many left.</summary>
    public bool TryTake(long bytes)
    {
        while (true)
        {
            long before = Volatile.Read(ref _taken);
            if (before + bytes > capacity)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _taken, before + bytes, before) == before)
            {
                return true;
            }
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
