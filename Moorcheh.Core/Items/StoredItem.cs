using Moorcheh.Items;

namespace Moorcheh;

/// <summary>An item where it was read, without copies; see who gives it for how long it is valid.</summary>
public readonly struct StoredItem
{
    private readonly ReadOnlyMemory<byte> _body;
    private readonly Range _id;
    private readonly Range _text;
    private readonly Range _metadata;
    private readonly bool _hasText;

    internal StoredItem(ReadOnlyMemory<byte> body)
    {
        ItemRecord item = ItemRecord.Parse(body.Span);
        _body = body;
        CreatedAt = item.CreatedAt;
        UpdatedAt = item.UpdatedAt;
        _hasText = item.HasText;
        _id = RangeOf(body.Span, item.Id);
        _text = item.TextStart..(item.TextStart + item.Text.Length);
        _metadata = RangeOf(body.Span, item.Metadata);
    }

    /// <summary>When the id was first stored.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>When this version was stored.</summary>
    public DateTimeOffset UpdatedAt { get; }

    /// <summary>The id, UTF-8.</summary>
    public ReadOnlyMemory<byte> Id => _body[_id];

    /// <summary>The text, UTF-8; null where there is none.</summary>
    public ReadOnlyMemory<byte>? Text => _hasText ? (ReadOnlyMemory<byte>?)_body[_text] : null; // Without the cast null would be an empty text.

    /// <summary>The metadata as compact JSON, UTF-8.</summary>
    public ReadOnlyMemory<byte> Metadata => _body[_metadata];

    private static Range RangeOf(ReadOnlySpan<byte> body, ReadOnlySpan<byte> part) =>
        body.Overlaps(part, out int start) ? start..(start + part.Length) : default;
}
