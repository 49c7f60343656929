using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Moorcheh.Index.Postings;

/// <summary>
/// The values of an item by which filters find it: for each key of its metadata, and those of nested objects with a dot between, the scalars it
/// has, alone or in an array. A name that is whole counts before one that is nested: as <see cref="JsonPath"/> finds them.
/// </summary>
internal sealed class ItemValues
{
    /// <summary>Most values of an item that are kept.</summary>
    public const int MaxValues = 256;

    /// <summary>Most bytes of paths and keys of an item that are kept.</summary>
    public const int MaxBytes = 8192;

    /// <summary>The path, no key of any JSON, under which items are kept that have more than that: filters ask their records.</summary>
    public static ReadOnlySpan<byte> Overfull => [0xFF];

    private readonly ArrayBufferWriter<byte> _bytes = new(512);
    private readonly ArrayBufferWriter<byte> _key = new(64);
    private readonly List<(int PathEnd, int KeyEnd)> _ends = [];
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Collects the values of an item.</summary>
    /// <param name="slot">Its slot.</param>
    /// <param name="metadata">A JSON object in UTF-8; empty for none.</param>
    /// <returns>Values may repeat.</returns>
    public ValueEntry[] Collect(ushort slot, ReadOnlySpan<byte> metadata)
    {
        if (metadata.Length <= 2)
        {
            return [];
        }

        _bytes.ResetWrittenCount();
        _ends.Clear();
        _paths.Clear();
        var reader = new Utf8JsonReader(metadata, new JsonReaderOptions { MaxDepth = 1000 });
        using var document = JsonDocument.ParseValue(ref reader);
        if (!TryCollect(document.RootElement))
        {
            return [new ValueEntry(slot, [.. Overfull, ValueKey.Other], 0, Overfull.Length, Overfull.Length + 1)];
        }

        byte[] bytes = _bytes.WrittenSpan.ToArray();
        var entries = new ValueEntry[_ends.Count];
        int start = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            (int pathEnd, int keyEnd) = _ends[i];
            entries[i] = new ValueEntry(slot, bytes, start, pathEnd, keyEnd);
            start = keyEnd;
        }

        return entries;
    }

    /// <summary>Level by level, because of two ways to the same path the shorter one counts.</summary>
    private bool TryCollect(JsonElement root)
    {
        List<(string Prefix, JsonElement Object)> level = [(string.Empty, root)];
        while (level.Count > 0)
        {
            List<(string, JsonElement)> next = [];
            foreach ((string prefix, JsonElement found) in level)
            {
                // Of names written twice the last one counts; from the end, it is the first to come.
                _names.Clear();
                foreach (JsonProperty property in found.EnumerateObject().Reverse())
                {
                    string path = prefix + property.Name;
                    if (!_names.Add(property.Name))
                    {
                        continue;
                    }

                    // A path that a shorter way has taken is not taken again, but what lies behind it may be reached this way only.
                    if (_paths.Add(path) && !TryAdd(path, property.Value))
                    {
                        return false;
                    }

                    if (property.Value.ValueKind == JsonValueKind.Object && !property.Name.Contains('.', StringComparison.Ordinal))
                    {
                        next.Add((path + ".", property.Value));
                    }
                }
            }

            level = next;
        }

        return true;
    }

    private bool TryAdd(string path, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                return TryAdd(path, null);
            case JsonValueKind.Array:
                bool hasScalar = false;
                foreach (JsonElement element in value.EnumerateArray())
                {
                    if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
                    {
                        hasScalar = true;
                        if (!TryAdd(path, (JsonElement?)element))
                        {
                            return false;
                        }
                    }
                }

                return hasScalar || TryAdd(path, null);
            default:
                return TryAdd(path, (JsonElement?)value);
        }
    }

    private bool TryAdd(string path, JsonElement? scalar)
    {
        _bytes.Advance(Encoding.UTF8.GetBytes(path, _bytes.GetSpan(Encoding.UTF8.GetMaxByteCount(path.Length))));
        int pathEnd = _bytes.WrittenCount;
        _key.ResetWrittenCount();
        if (scalar is { } value)
        {
            ValueKey.Write(value, _key);
        }
        else
        {
            _key.Write([ValueKey.Other]);
        }

        _bytes.Write(ValueKey.IsLong(_key.WrittenSpan) ? ValueKey.Shorten(_key.WrittenSpan) : _key.WrittenSpan);
        _ends.Add((pathEnd, _bytes.WrittenCount));
        return _ends.Count <= MaxValues && _bytes.WrittenCount <= MaxBytes;
    }
}

/// <summary>A value of an item.</summary>
/// <param name="Slot">The item.</param>
/// <param name="Bytes">Has path and key.</param>
/// <param name="Start">Where the path begins.</param>
/// <param name="PathEnd">Where the path ends and the short <see cref="ValueKey"/> begins.</param>
/// <param name="KeyEnd">Where that ends.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ValueEntry(ushort Slot, byte[] Bytes, int Start, int PathEnd, int KeyEnd)
{
    public ReadOnlySpan<byte> Path => Bytes.AsSpan(Start..PathEnd);

    public ReadOnlySpan<byte> Key => Bytes.AsSpan(PathEnd..KeyEnd);
}
