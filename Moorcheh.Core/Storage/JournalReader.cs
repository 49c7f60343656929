using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>
/// Goes through the journal's entries one by one, checking each, with one page in memory. Between <see cref="Read"/> and the next call the current entry
/// stays as it is.
/// </summary>
/// <param name="files">The journal.</param>
/// <param name="from">Where an entry ends, or the journal begins.</param>
/// <param name="startsWithEntry">True when <paramref name="from"/> is the address of an entry, so that the end of the one before is not known.</param>
internal sealed class JournalReader(JournalFiles files, long from, bool startsWithEntry = false)
{
    private readonly byte[] _page = new byte[FasterSettings.PageBytes];
    private long _pageStart = -1;
    private int _filled;
    private long _next = JournalFrame.NextEntry(from);
    private bool _isFirst = startsWithEntry;
    private bool _isOver;

    /// <summary>Where the entries read so far end; once there are no more, where the valid ones end.</summary>
    public long End { get; private set; } = JournalFrame.NextEntry(from);

    public long Address { get; private set; }

    public JournalEntryType Type { get; private set; }

    /// <summary>Valid until the next call of <see cref="Read"/>.</summary>
    public ReadOnlyMemory<byte> Body { get; private set; }

    /// <summary>Reads the next entry; false when there are no more, or the next one is not valid.</summary>
    public bool Read()
    {
        while (!_isOver)
        {
            if (_pageStart != FasterSettings.PageStart(_next))
            {
                _pageStart = FasterSettings.PageStart(_next);
                _filled = files.ReadAt(_pageStart, _page);
            }

            int offset = (int)(_next - _pageStart);
            int length = FramedLength(_page.AsSpan(0, _filled), offset);
            if (length == 0)
            {
                // A page without a single entry: nothing was written from here on.
                _isOver = _filled == 0 || (offset == 0 && End <= _pageStart);
                _next = _pageStart + FasterSettings.PageBytes;
                continue;
            }

            ReadOnlySpan<byte> framed = length < 0 ? default : _page.AsSpan(offset + JournalFrame.LengthBytes, length);
            if (!JournalFrame.IsValid(framed) || (!_isFirst && !JournalFrame.Follows(framed, End)))
            {
                _isOver = true; // Torn; or there is a hole before this entry: it was written, but what precedes it was not.
                continue;
            }

            _isFirst = false;
            Type = (JournalEntryType)framed[1];
            if (Type == JournalEntryType.PageEnd)
            {
                _next = End = _pageStart + FasterSettings.PageBytes;
                continue;
            }

            if (framed[0] != JournalFrame.Version)
            {
                throw UnsupportedVersion(_next, framed[0]);
            }

            Address = _next;
            Body = _page.AsMemory(offset + JournalFrame.LengthBytes + JournalFrame.HeaderBytes, length - JournalFrame.HeaderBytes);
            _next = End = JournalFrame.NextEntry(_next + JournalFrame.SpaceOf(length));
            return true;
        }

        return false;
    }

    /// <summary>Length of the framed entry at an offset; 0 when the page holds no more; -1 when the length is impossible.</summary>
    private static int FramedLength(ReadOnlySpan<byte> page, int offset)
    {
        if (offset + JournalFrame.LengthBytes > page.Length)
        {
            return 0;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(page[offset..]);
        if (length == 0)
        {
            return 0;
        }

        return length < JournalFrame.HeaderBytes || length > page.Length - offset - JournalFrame.LengthBytes ? -1 : length;
    }

    private static MoorchehException UnsupportedVersion(long address, byte found) =>
        new(ErrorCodes.UnsupportedFormat, $"The journal entry at address {address} has format {found}; this build reads format {JournalFrame.Version}.")
        {
            Facts = new Dictionary<string, object> { ["Found"] = found, ["Supported"] = JournalFrame.Version },
        };
}
