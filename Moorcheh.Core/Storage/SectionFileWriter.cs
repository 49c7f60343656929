using System.Buffers.Binary;

namespace Moorcheh.Storage;

/// <summary>
/// Writes a file of checked sections. In front: magic (4 bytes), version (4), number of sections (4), zero (4), and of each section its
/// offset (8), length (8), CRC-32C (4) and zero (4); then the CRC-32C of all before it (4). Sections begin at multiples of 64. The front is
/// written last, so that a file that was not finished is not taken for one that was.
/// </summary>
internal sealed class SectionFileWriter : IDisposable
{
    public const int Alignment = 64;
    private const int BufferBytes = 1 << 18;

    private readonly FileStream _file;
    private readonly byte[] _front;
    private readonly int _sections;
    private int _begun;
    private long _start;
    private uint _checksum;

    /// <exception cref="IOException">The file cannot be created.</exception>
    public SectionFileWriter(string path, uint magic, int version, int sections)
    {
        _sections = sections;
        _front = new byte[SectionFile.FrontBytes(sections)];
        BinaryPrimitives.WriteUInt32LittleEndian(_front, magic);
        BinaryPrimitives.WriteInt32LittleEndian(_front.AsSpan(4), version);
        BinaryPrimitives.WriteInt32LittleEndian(_front.AsSpan(8), sections);
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes);
        _file.Write(new byte[_front.Length]);
    }

    /// <summary>Writes a section as a whole.</summary>
    public void Section(ReadOnlySpan<byte> bytes)
    {
        Begin();
        Append(bytes);
        End();
    }

    /// <summary>Begins the next section.</summary>
    public void Begin()
    {
        Span<byte> gap = stackalloc byte[Alignment];
        gap.Clear();
        _file.Write(gap[..(int)(-_file.Position & (Alignment - 1))]);
        _start = _file.Position;
        _checksum = Crc32C.Start;
    }

    /// <summary>Appends to the section that was begun.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _checksum = Crc32C.Append(_checksum, bytes);
        _file.Write(bytes);
    }

    /// <summary>Ends the section.</summary>
    public void End()
    {
        Span<byte> entry = _front.AsSpan(SectionFile.HeaderBytes + (_begun++ * SectionFile.EntryBytes), SectionFile.EntryBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry, _start);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], _file.Position - _start);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], _checksum);
    }

    /// <summary>Writes the front. From now on the file can be read.</summary>
    public void Finish()
    {
        if (_begun != _sections)
        {
            throw new InvalidOperationException($"{_begun} of {_sections} sections were written.");
        }

        BinaryPrimitives.WriteUInt32LittleEndian(_front.AsSpan(_front.Length - 4), Crc32C.Of(_front.AsSpan(0, _front.Length - 4)));
        _file.Position = 0;
        _file.Write(_front);
        _file.Flush();
    }

    public void Dispose() => _file.Dispose();
}
