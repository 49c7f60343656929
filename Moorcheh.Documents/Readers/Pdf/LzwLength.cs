namespace Moorcheh.Documents.Readers.Pdf;

/// <summary>How many bytes an LZW stream of a PDF unpacks to (ISO 32000-1, 7.4.4), found by adding up lengths.</summary>
internal static class LzwLength
{
    private const int Clear = 256;
    private const int End = 257;
    private const int MaxCodes = 4096;

    /// <param name="input">The packed bytes.</param>
    /// <param name="earlyChange">1 where codes become longer one code early, as is usual, otherwise 0.</param>
    /// <returns>The length up to the end mark, or up to where the stream is broken.</returns>
    public static long Of(ReadOnlySpan<byte> input, int earlyChange)
    {
        int[] lengths = new int[MaxCodes];
        lengths.AsSpan(0, Clear).Fill(1);
        long total = 0;
        int next = End + 1;
        int last = -1;
        int width = 9;
        long buffer = 0;
        int bits = 0;
        foreach (byte b in input)
        {
            buffer = ((buffer << 8) | b) & 0xFFFFFF;
            bits += 8;
            if (bits < width)
            {
                continue;
            }

            int code = (int)(buffer >> (bits - width)) & ((1 << width) - 1);
            bits -= width;
            if (code == End)
            {
                return total;
            }

            if (code == Clear)
            {
                (next, last, width) = (End + 1, -1, 9);
                continue;
            }

            if (last >= 0 && next < MaxCodes)
            {
                lengths[next++] = lengths[last] + 1;
            }

            if (code >= next)
            {
                return total;
            }

            total += lengths[code];
            last = code;
            width = (next + earlyChange) switch { < 512 => 9, < 1024 => 10, < 2048 => 11, _ => 12 };
        }

        return total;
    }
}
