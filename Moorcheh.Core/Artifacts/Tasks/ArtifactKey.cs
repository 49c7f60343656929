using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Moorcheh.Artifacts.Tasks;

/// <summary>Names an artifact of a collection: the first 16 bytes of SHA-256 of collection, a zero byte, artifact (UTF-8).</summary>
internal readonly record struct ArtifactKey(UInt128 Value)
{
    private const int HexDigits = 32;

    private static ReadOnlySpan<byte> Infix => "_chunk_"u8;

    public static ArtifactKey Of(string collection, string artifact)
    {
        byte[] names = [.. Encoding.UTF8.GetBytes(collection), 0, .. Encoding.UTF8.GetBytes(artifact)];
        return new ArtifactKey(BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(names)));
    }

    /// <summary>The item id of a chunk.</summary>
    public string ChunkId(int index) => $"{this}_chunk_{index.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Takes an item id apart; false for one that no chunk has.</summary>
    public static bool TryParse(ReadOnlySpan<byte> id, out ArtifactKey key, out int index)
    {
        key = default;
        index = 0;
        if (id.Length <= HexDigits + Infix.Length
            || !id[HexDigits..].StartsWith(Infix)
            || id[..HexDigits].ContainsAnyExcept("0123456789abcdef"u8)
            || !UInt128.TryParse(id[..HexDigits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value))
        {
            return false;
        }

        ReadOnlySpan<byte> digits = id[(HexDigits + Infix.Length)..];
        key = new ArtifactKey(value);
        return (digits[0] != '0' || digits.Length == 1)
            && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && Utf8Parser.TryParse(digits, out index, out int used)
            && used == digits.Length;
    }

    /// <summary>32 lowercase hex digits.</summary>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
