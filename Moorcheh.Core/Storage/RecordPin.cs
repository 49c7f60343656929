namespace Moorcheh.Storage;

/// <summary>Records that one reader keeps readable, see <see cref="IRecordStore.Pin"/>. The record store changes it under its lock.</summary>
internal sealed class RecordPin
{
    private readonly HashSet<RecordKey> _keys = [];
    private readonly List<(RecordKey First, int Count)> _ranges = [];

    /// <summary>Adds a record, or several with the numbers that follow.</summary>
    public void Add(in RecordKey first, int count)
    {
        if (count == 1)
        {
            _keys.Add(first);
        }
        else
        {
            _ranges.Add((first, count));
        }
    }

    public bool Holds(RecordKey key) => _keys.Contains(key)
        || _ranges.Exists(range => range.First with { Number = key.Number } == key && key.Number - range.First.Number is var at && at >= 0 && at < range.Count);
}
