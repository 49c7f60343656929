using System.IO.Compression;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Tokens;

namespace Moorcheh.Documents.Readers.Pdf;

/// <summary>
/// The package's filters, which unpack the streams of a PDF, within bounds. They unpack whole streams, so what a stream comes to is found out
/// before: Flate by unpacking it into nothing, LZW by adding lengths, the others by the factor by which they can grow a stream.
/// </summary>
internal sealed class BoundedFilters(ReadingTime time) : IFilterProvider
{
    /// <summary>Most bytes of a stream.</summary>
    public const int MaxStreamBytes = 32 << 20;

    /// <summary>Most bytes of all streams together; one that is unpacked again counts again.</summary>
    public const long MaxBytes = 1L << 30;

    /// <summary>Most bytes of the streams of a page: its content, which is parsed as a whole, and the fonts and forms that are unpacked for it.</summary>
    public const int MaxPageBytes = 40 << 20;

    private long _bytes;
    private long _pageBytes;

    public void BeginPage() => _pageBytes = 0;

    public IReadOnlyList<IFilter> GetFilters(DictionaryToken dictionary) => Bound(DefaultFilterProvider.Instance.GetFilters(dictionary));

    public IReadOnlyList<IFilter> GetNamedFilters(IReadOnlyList<NameToken> names) => Bound(DefaultFilterProvider.Instance.GetNamedFilters(names));

    public IReadOnlyList<IFilter> GetAllFilters() => Bound(DefaultFilterProvider.Instance.GetAllFilters());

    private IFilter[] Bound(IReadOnlyList<IFilter> filters) => [.. filters.Select(filter => new BoundedFilter(filter, this))];

    private void Count(long bytes)
    {
        time.Check();
        _bytes += bytes;
        _pageBytes += bytes;
        if (_pageBytes > MaxPageBytes)
        {
            throw new InvalidDataException($"The streams of a page have {_pageBytes} bytes unpacked or more; the limit is {MaxPageBytes}.");
        }

        if (_bytes > MaxBytes)
        {
            throw new InvalidDataException($"The streams of the document have {_bytes} bytes unpacked or more; the limit is {MaxBytes}.");
        }
    }

    private sealed class BoundedFilter(IFilter inner, BoundedFilters owner) : IFilter
    {
        public bool IsSupported => inner.IsSupported;

        public Memory<byte> Decode(Memory<byte> input, DictionaryToken streamDictionary, IFilterProvider filterProvider, int filterIndex)
        {
            long most = inner switch
            {
                FlateFilter => Inflated(input),
                LzwFilter => Math.Max(LzwLength.Of(input.Span, earlyChange: 1), LzwLength.Of(input.Span, earlyChange: 0)),
                RunLengthFilter => input.Length * 64L, // Two bytes stand for 128 at most.
                _ => input.Length * 4L, // ASCII85 makes four bytes of a 'z'.
            };
            if (most > MaxStreamBytes)
            {
                throw new InvalidDataException($"A stream of the document has {most} bytes unpacked or more; the limit is {MaxStreamBytes}.");
            }

            Memory<byte> output = inner.Decode(input, streamDictionary, filterProvider, filterIndex);
            owner.Count(output.Length);
            return output;
        }

        /// <summary>Bytes of a Flate stream, counted up to just beyond the limit. A broken one has what comes before the break.</summary>
        private static long Inflated(ReadOnlyMemory<byte> input)
        {
            // Two bytes are the head of zlib.
            if (input.Length <= 2)
            {
                return 0;
            }

            using var packed = new MemoryStream(input[2..].ToArray(), writable: false);
            using var stream = new DeflateStream(packed, CompressionMode.Decompress);
            byte[] part = new byte[32 << 10];
            long bytes = 0;
            try
            {
                for (int read; bytes <= MaxStreamBytes && (read = stream.Read(part)) > 0;)
                {
                    bytes += read;
                }
            }
            catch (InvalidDataException)
            {
                // The filter itself decides what a broken stream is worth.
            }

            return bytes;
        }
    }
}
