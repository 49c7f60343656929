namespace Moorcheh.Storage;

/// <summary>The pins of all readers, and the removals that wait for them. Used under the lock of the record store.</summary>
internal sealed class RecordPins
{
    private readonly HashSet<RecordPin> _pins = [];
    private readonly HashSet<RecordKey> _removed = [];

    /// <summary>Pins one or more records.</summary>
    public void Add(RecordPin pin, in RecordKey first, int count)
    {
        _pins.Add(pin);
        pin.Add(first, count);
    }

    /// <summary>True when a removal has to wait; it is then noted.</summary>
    public bool TryPostpone(in RecordKey key)
    {
        if (_pins.Count == 0 || !IsPinned(key))
        {
            return false;
        }

        _removed.Add(key);
        return true;
    }

    /// <summary>A record was written: an earlier removal of its key is no longer due.</summary>
    public void Forget(in RecordKey key)
    {
        if (_removed.Count > 0)
        {
            _removed.Remove(key);
        }
    }

    /// <summary>Lets a reader's records go.</summary>
    /// <returns>What is to be removed now.</returns>
    public List<RecordKey> Release(RecordPin pin)
    {
        if (!_pins.Remove(pin) || _removed.Count == 0)
        {
            return [];
        }

        List<RecordKey> due = [.. _removed.Where(key => pin.Holds(key) && !IsPinned(key))];
        _removed.ExceptWith(due);
        return due;
    }

    /// <summary>Lets all records go.</summary>
    /// <returns>What is to be removed now.</returns>
    public List<RecordKey> ReleaseAll()
    {
        List<RecordKey> due = [.. _removed];
        _pins.Clear();
        _removed.Clear();
        return due;
    }

    private bool IsPinned(RecordKey key)
    {
        foreach (RecordPin pin in _pins)
        {
            if (pin.Holds(key))
            {
                return true;
            }
        }

        return false;
    }
}
