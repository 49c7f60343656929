using System.Buffers;
using System.Numerics;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Items;

/// <summary>
/// The item records of one answer, in order, each of one version. A few bytes are copied, without their vectors. More stay in the store and are pinned there, so that they can be
/// read one by one while they are sent: until the set is disposed no update or delete takes them away, but a checkpoint does in whose time they were
/// removed. Every record has been read, and so verified, when it is added. Used by one thread at a time.
/// </summary>
internal sealed class RecordSet(IRecordStore records, OperationGuard operations) : IDisposable
{
    /// <summary>Most bytes that are copied.</summary>
    public const int MaxCopiedBytes = 64 << 10;

    private readonly List<RecordKey> _keys = [];
    private readonly List<int> _ends = [];
    private byte[] _copies = [];
    private RecordPin? _pin;
    private RecordLease _current;
    private int _largest;
    private int _largestRead;

    /// <summary>True while the records are copies.</summary>
    public bool IsCopied { get; private set; } = true;

    public int Count => _keys.Count;

    /// <summary>Bytes of memory the set takes while its records are read one by one, as far as it has seen them.</summary>
    public long MemoryBytes => IsCopied && _largestRead == 0
        ? _copies.Length
        : BitOperations.RoundUpToPowerOf2((uint)_largestRead + RecordEnvelope.HeaderBytes);

    /// <summary>Pins a record and reads it.</summary>
    /// <returns>The record, to be disposed by the caller; not found, and not added, when it is gone.</returns>
    public async ValueTask<RecordLease> AddAsync(RecordKey key)
    {
        _pin ??= new RecordPin();
        records.Pin(_pin, key);
        RecordLease lease = await records.ReadAsync(key).ConfigureAwait(false);
        if (lease.IsFound)
        {
            Note(key, lease.Body);
        }

        return lease;
    }

    /// <summary>Adds a record that was read, as a copy, without a pin.</summary>
    /// <exception cref="InvalidOperationException">They are too many bytes to be copied.</exception>
    public void AddCopy(RecordKey key, ReadOnlySpan<byte> body)
    {
        Note(key, body);
        if (!IsCopied)
        {
            throw new InvalidOperationException($"{MaxCopiedBytes} bytes are copied at most.");
        }
    }

    /// <summary>Pins the records of consecutive numbers, and adds none.</summary>
    public void Pin(RecordKey first, int count)
    {
        _pin ??= new RecordPin();
        records.Pin(_pin, first, count);
    }

    /// <summary>Reads a record that is pinned, added or not; the bytes are valid until the next call.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ItemGone"/>: a checkpoint could not wait.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadPinnedAsync(RecordKey key)
    {
        using (operations.Enter())
        {
            Drop();
            _current = await records.ReadAsync(key).ConfigureAwait(false);
            if (!_current.IsFound)
            {
                throw new MoorchehException(
                    ErrorCodes.ItemGone, $"Record {key} was replaced or removed while it was being read, and a checkpoint was taken.");
            }

            _largestRead = Math.Max(_largestRead, _current.Memory.Length);
            return _current.Memory;
        }
    }

    /// <summary>Reads a record of the set; the bytes are valid until the next call.</summary>
    /// <exception cref="MoorchehException">As <see cref="ReadPinnedAsync"/>.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(int index)
    {
        if (!IsCopied)
        {
            return ReadPinnedAsync(_keys[index]);
        }

        int start = index == 0 ? 0 : _ends[index - 1];
        return new(_copies.AsMemory(start, _ends[index] - start));
    }

    /// <summary>Takes all records out.</summary>
    public void Clear()
    {
        Drop();
        _keys.Clear();
        _ends.Clear();
        IsCopied = true;
        _largest = 0;
        _largestRead = 0;
        if (_pin is not null)
        {
            records.Release(_pin);
            _pin = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        DropCopies();
    }

    private void Note(RecordKey key, ReadOnlySpan<byte> body)
    {
        int length = _ends.Count == 0 ? 0 : _ends[^1];
        _keys.Add(key);
        _largest = Math.Max(_largest, body.Length);
        int end = length + ItemRecord.PlainLength(body);
        IsCopied &= end <= MaxCopiedBytes;
        if (!IsCopied)
        {
            _largestRead = Math.Max(_largestRead, _largest);
            DropCopies();
        }
        else
        {
            if (_copies.Length < end)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(end, Math.Min(4 * length, MaxCopiedBytes)));
                _copies.AsSpan(0, length).CopyTo(larger);
                if (_copies.Length > 0)
                {
                    ArrayPool<byte>.Shared.Return(_copies);
                }

                _copies = larger;
            }

            ItemRecord.CopyPlain(body, _copies.AsSpan(length));
            _ends.Add(end);
        }
    }

    private void DropCopies()
    {
        if (_copies.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_copies);
            _copies = [];
        }
    }

    private void Drop()
    {
        _current.Dispose();
        _current = default;
    }
}
