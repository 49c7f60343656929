using System.IO.Compression;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Tokens;

namespace Moorcheh.Documents.Readers;

/// <summary>The filters of PDF streams with a bound on what they give: a small file can stand for any number of bytes.</summary>
internal sealed class BoundedFilters(ReadingTime time) : IFilterProvider
{
    /// <summary>Most bytes of one stream when it is unpacked.</summary>
    public const int MaxStreamBytes = 32 << 20;

    /// <summary>Most bytes of all streams together.</summary>
    public const long MaxBytes = 512L << 20;

    private readonly IFilterProvider _inner = DefaultFilterProvider.Instance;
    private long _bytes;

    public IReadOnlyList<IFilter> GetFilters(DictionaryToken dictionary) => Bound(_inner.GetFilters(dictionary));

    public IReadOnlyList<IFilter> GetNamedFilters(IReadOnlyList<NameToken> names) => Bound(_inner.GetNamedFilters(names));

    public IReadOnlyList<IFilter> GetAllFilters() => Bound(_inner.GetAllFilters());

    private IFilter[] Bound(IReadOnlyList<IFilter> filters) => [.. filters.Select(filter => new Bounded(filter, this))];

    private void Count(long bytes)
    {
        time.Check();
        _bytes += bytes;
        if (bytes > MaxStreamBytes || _bytes > MaxBytes)
        {
            throw new InvalidDataException($"A stream of the document has {bytes} bytes or more, all together {_bytes}; the limits are {MaxStreamBytes} and {MaxBytes}.");
        }
    }

    private sealed class Bounded(IFilter filter, BoundedFilters all) : IFilter
    {
        public bool IsSupported => filter.IsSupported;

        public Memory<byte> Decode(Memory<byte> input, DictionaryToken streamDictionary, IFilterProvider filterProvider, int filterIndex)
        {
            // The others cannot grow by more than some times.
            if (filter is FlateFilter && input.Length > 2)
            {
                all.Count(Measure(input[2..]));
            }
            else if (filter is RunLengthFilter or LzwFilter && input.Length > MaxStreamBytes / 128)
            {
                all.Count((long)input.Length * 128);
            }

            return filter.Decode(input, streamDictionary, filterProvider, filterIndex);
        }

        /// <summary>How much a stream unpacks to, as far as the limit.</summary>
        private static long Measure(ReadOnlyMemory<byte> packed)
        {
            using var stream = new DeflateStream(new MemoryStream(packed.ToArray(), writable: false), CompressionMode.Decompress);
            byte[] buffer = new byte[64 << 10];
            long length = 0;
            try
            {
                while (length <= MaxStreamBytes && stream.Read(buffer) is > 0 and var read)
                {
                    length += read;
                }
            }
            catch (InvalidDataException)
            {
                // Damaged: what came before counts.
            }

            return length;
        }
    }
}
