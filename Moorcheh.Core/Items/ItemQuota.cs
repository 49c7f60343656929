namespace Moorcheh.Items;

/// <summary>
/// Counts items and the places kept for items of accepted uploads: <c>items + reserved</c> never passes the cap. Safe for use
/// from several threads.
/// </summary>
internal sealed class ItemQuota(long maxItems)
{
    private readonly Lock _lock = new();
    private long _items;
    private long _reserved;

    public (long Items, long Reserved) Counts
    {
        get
        {
            lock (_lock)
            {
                return (_items, _reserved);
            }
        }
    }

    /// <summary>Keeps places for new items.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ItemLimitExceeded"/>.</exception>
    public void Reserve(long newItems)
    {
        lock (_lock)
        {
            if (maxItems > 0 && newItems > 0 && _items + _reserved + newItems > maxItems)
            {
                throw new MoorchehException(
                    ErrorCodes.ItemLimitExceeded,
                    $"Item limit exceeded: {newItems} new items do not fit; {_items} of {maxItems} are stored and {_reserved} reserved.")
                {
                    Facts = new Dictionary<string, object>
                    {
                        ["Items"] = _items,
                        ["MaxItems"] = maxItems,
                        ["RequestedNew"] = newItems,
                        ["Reserved"] = _reserved,
                    },
                };
            }

            _reserved += newItems;
        }
    }

    /// <summary>Gives places back that are not needed.</summary>
    public void Release(long places)
    {
        lock (_lock)
        {
            _reserved -= places;
        }
    }

    /// <summary>Turns kept places into items.</summary>
    public void UseReserved(int places = 1)
    {
        lock (_lock)
        {
            _reserved -= places;
            _items += places;
        }
    }

    /// <summary>Counts a new item without a kept place, if there is room.</summary>
    public bool TryAdd()
    {
        lock (_lock)
        {
            if (maxItems > 0 && _items + _reserved >= maxItems)
            {
                return false;
            }

            _items++;
            return true;
        }
    }

    /// <summary>Counts items found at recovery, and places their jobs still keep.</summary>
    public void Restore(long items, long reserved)
    {
        lock (_lock)
        {
            _items += items;
            _reserved += reserved;
        }
    }

    /// <summary>Items are gone.</summary>
    public void Remove(long items)
    {
        lock (_lock)
        {
            _items -= items;
        }
    }

    /// <summary>Takes back what a step did that did not reach the disk.</summary>
    /// <param name="change">What it did.</param>
    public void Undo(QuotaChange change)
    {
        lock (_lock)
        {
            _items -= change.Used + change.Added;
            _reserved += change.Used + change.Released;
        }
    }
}

/// <summary>What one step did to the quota.</summary>
internal sealed class QuotaChange
{
    /// <summary>Kept places that became items.</summary>
    public int Used { get; set; }

    /// <summary>Items without a kept place.</summary>
    public int Added { get; set; }

    /// <summary>Kept places given back.</summary>
    public int Released { get; set; }
}
