using System.Text;
using System.Xml;

namespace Moorcheh.Documents.Readers;

/// <summary>
/// Reads XML as a stream of nodes within bounds: an <see cref="XmlReader"/> by itself keeps something of every open element, of every attribute of an
/// element and of every name it has seen, and a whole tag at once. What exceeds a bound is an <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class BoundedXml : IDisposable
{
    /// <summary>Most elements inside each other, as in libxml2. Word nests its own to some dozens.</summary>
    public const int MaxDepth = 256;

    /// <summary>
    /// Most bytes of a tag with its attributes, and of comments in a row and the like; texts that are read may be longer. Drawings hold up to some megabytes in an attribute.
    /// </summary>
    public const int MaxNodeBytes = 8 << 20;

    /// <summary>Most names of elements, attributes, prefixes and namespaces in one tag.</summary>
    public const int MaxNamesInNode = 1000;

    /// <summary>Most different names in all.</summary>
    public const int MaxNames = 10_000;

    /// <summary>Most characters of a name.</summary>
    public const int MaxNameCharacters = 1000;

    /// <summary>Most bytes in all, markup included.</summary>
    public const int MaxBytes = 128 << 20;

    private readonly NodeStream _stream;
    private readonly Names _names = new();
    private readonly char[] _part = new char[4096];

    public BoundedXml(Stream stream)
    {
        _stream = new NodeStream(stream);
        Node = XmlReader.Create(_stream, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            NameTable = _names,
            CloseInput = true,
        });
    }

    /// <summary>The node that was read. Only to look at: whatever reads on goes through this class.</summary>
    public XmlReader Node { get; }

    /// <summary>Reads the next node.</summary>
    /// <returns>False at the end.</returns>
    public bool Read()
    {
        Begin();
        bool isRead = Node.Read();
        return Node.NodeType != XmlNodeType.Element || Node.Depth < MaxDepth
            ? isRead
            : throw new InvalidDataException($"The document has {Node.Depth + 1} elements inside each other; the limit is {MaxDepth}.");
    }

    /// <summary>Goes to the end of the element that was read: the next node is what follows it.</summary>
    public void SkipContent()
    {
        int depth = Node.Depth;
        if (!Node.IsEmptyElement)
        {
            while (Read() && Node.Depth > depth)
            {
            }
        }
    }

    /// <summary>Appends the text that was read, as long as that has no more characters than the limit.</summary>
    public void AppendText(StringBuilder text, int maxCharacters)
    {
        while (true)
        {
            Begin();
            int length = Node.ReadValueChunk(_part, 0, _part.Length);
            if (length == 0)
            {
                return;
            }

            if (text.Length + length > maxCharacters)
            {
                throw new InvalidDataException($"The document has {text.Length + length} characters of text or more; the limit is {maxCharacters}.");
            }

            text.Append(_part, 0, length);
        }
    }

    public void Dispose() => Node.Dispose();

    private void Begin() => (_stream.NodeBytes, _names.NodeNames) = (0, 0);

    /// <summary>Counts what is read for a node.</summary>
    private sealed class NodeStream(Stream inner) : Stream
    {
        private long _bytes;

        public long NodeBytes { get; set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            NodeBytes += read;
            _bytes += read;
            return NodeBytes > MaxNodeBytes ? throw new InvalidDataException($"A tag or comment of the document has {NodeBytes} bytes or more; the limit is {MaxNodeBytes}.")
                : _bytes > MaxBytes ? throw new InvalidDataException($"A part of the document has {_bytes} bytes or more; the limit is {MaxBytes}.")
                : read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    /// <summary>The names the reader has seen. It asks for every name in a tag, and keeps each one once.</summary>
    private sealed class Names : NameTable
    {
        private int _count;

        public int NodeNames { get; set; }

        public override string Add(char[] key, int start, int len) => Get(key, start, len) is { } known ? Note(known) : Keep(base.Add(key, start, len), len);

        public override string Add(string key) => Get(key) is { } known ? Note(known) : Keep(base.Add(key), key.Length);

        private string Keep(string name, int length)
        {
            _count++;
            return length > MaxNameCharacters ? throw new InvalidDataException($"A name in the document has {length} characters; the limit is {MaxNameCharacters}.")
                : _count > MaxNames ? throw new InvalidDataException($"The document has {_count} different names; the limit is {MaxNames}.")
                : Note(name);
        }

        private string Note(string name) =>
            ++NodeNames <= MaxNamesInNode ? name : throw new InvalidDataException($"A tag of the document has {NodeNames} names; the limit is {MaxNamesInNode}.");
    }
}
