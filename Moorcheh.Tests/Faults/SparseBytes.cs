using Microsoft.Win32.SafeHandles;

namespace Moorcheh.Tests.Faults;

/// <summary>The content of a file in pages; copying it is cheap, because pages are never changed, only replaced.</summary>
internal sealed class SparseBytes
{
    private const int PageBytes = 4096;

    private readonly Dictionary<long, byte[]> _pages;

    public SparseBytes()
        : this([], 0)
    {
    }

    private SparseBytes(Dictionary<long, byte[]> pages, long length)
    {
        _pages = pages;
        Length = length;
    }

    public long Length { get; private set; }

    public SparseBytes Clone() => new(new Dictionary<long, byte[]>(_pages), Length);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Length = Math.Max(Length, offset + bytes.Length);
        while (bytes.Length > 0)
        {
            long page = offset / PageBytes;
            int start = (int)(offset % PageBytes);
            int count = Math.Min(PageBytes - start, bytes.Length);
            byte[] fresh = _pages.TryGetValue(page, out byte[]? old) ? (byte[])old.Clone() : new byte[PageBytes];
            bytes[..count].CopyTo(fresh.AsSpan(start));
            _pages[page] = fresh;
            offset += count;
            bytes = bytes[count..];
        }
    }

    public void SetLength(long length)
    {
        if (length < Length)
        {
            foreach (long page in _pages.Keys.Where(page => (page + 1) * PageBytes > length).ToList())
            {
                int kept = (int)Math.Max(0, length - (page * PageBytes));
                if (kept == 0)
                {
                    _pages.Remove(page);
                }
                else
                {
                    byte[] fresh = new byte[PageBytes];
                    _pages[page].AsSpan(0, kept).CopyTo(fresh);
                    _pages[page] = fresh;
                }
            }
        }

        Length = length;
    }

    /// <summary>Creates a file with this content; pages of zeros stay holes.</summary>
    public void Save(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, Length);
        List<ReadOnlyMemory<byte>> run = [];
        long start = 0;
        foreach ((long page, byte[] bytes) in _pages.Where(page => page.Value.AsSpan().ContainsAnyExcept((byte)0)).OrderBy(page => page.Key))
        {
            if (run.Count == 256 || page != start + run.Count)
            {
                Flush();
                start = page;
            }

            run.Add(bytes.AsMemory(0, (int)Math.Min(PageBytes, Length - (page * PageBytes))));
        }

        Flush();

        void Flush()
        {
            if (run.Count > 0)
            {
                RandomAccess.Write(file, run, start * PageBytes);
                run.Clear();
            }
        }
    }
}
