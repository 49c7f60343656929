using System.Buffers;
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

    private static readonly byte[] Zeros = new byte[4096];

    private readonly Disk _disk;
    private readonly DiskFile _file;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private readonly byte[] _front;
    private readonly int _sections;
    private int _begun;
    private long _start;
    private uint _checksum;
    private long _position;
    private long _flushed;
    private bool _isDisposed;

    /// <exception cref="IOException">The file cannot be created.</exception>
    public SectionFileWriter(string path, Disk disk, uint magic, int version, int sections)
    {
        _disk = disk;
        _sections = sections;
        _front = new byte[SectionFile.FrontBytes(sections)];
        BinaryPrimitives.WriteUInt32LittleEndian(_front, magic);
        BinaryPrimitives.WriteInt32LittleEndian(_front.AsSpan(4), version);
        BinaryPrimitives.WriteInt32LittleEndian(_front.AsSpan(8), sections);
        _file = disk.Open(path, FileMode.CreateNew, FileShare.None, writeThrough: false);
        _position = _front.Length;
        _flushed = _position;
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
        Write(gap[..(int)(-_position & (Alignment - 1))]);
        _start = _position;
        _checksum = Crc32C.Start;
    }

    /// <summary>Appends to the section that was begun.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _checksum = Crc32C.Append(_checksum, bytes);
        Write(bytes);
    }

    /// <summary>Appends zeros to the section that was begun.</summary>
    public void AppendZeros(int count)
    {
        for (; count > 0; count -= Zeros.Length)
        {
            Append(Zeros.AsSpan(0, Math.Min(count, Zeros.Length)));
        }
    }

    /// <summary>Ends the section.</summary>
    public void End()
    {
        Span<byte> entry = _front.AsSpan(SectionFile.HeaderBytes + (_begun++ * SectionFile.EntryBytes), SectionFile.EntryBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry, _start);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], _position - _start);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], _checksum);
    }

    /// <summary>Writes the front. From now on the file can be read.</summary>
    /// <param name="flush">True for a file that stays mapped: what is read from it later must be what was written.</param>
    public void Finish(bool flush)
    {
        if (_begun != _sections)
        {
            throw new InvalidOperationException($"{_begun} of {_sections} sections were written.");
        }

        BinaryPrimitives.WriteUInt32LittleEndian(_front.AsSpan(_front.Length - 4), Crc32C.Of(_front.AsSpan(0, _front.Length - 4)));
        FlushBuffer();
        _disk.Write(_file, _front, 0);
        if (flush)
        {
            _disk.Flush(_file);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        if (!_isDisposed)
        {
            _isDisposed = true;
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BufferBytes - (int)(_position - _flushed))
        {
            FlushBuffer();
        }

        if (bytes.Length > BufferBytes)
        {
            _disk.Write(_file, bytes, _position);
            _flushed += bytes.Length;
        }
        else
        {
            bytes.CopyTo(_buffer.AsSpan((int)(_position - _flushed)));
        }

        _position += bytes.Length;
    }

    private void FlushBuffer()
    {
        _disk.Write(_file, _buffer.AsSpan(0, (int)(_position - _flushed)), _flushed);
        _flushed = _position;
    }
}
