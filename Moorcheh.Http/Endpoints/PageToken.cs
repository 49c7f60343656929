using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Moorcheh.Http.Endpoints;

/// <summary>
/// Opaque marks of a place in a list. A token is bound to its list (a namespace, or the jobs) by a checksum over both, so
/// that one of another list, or a changed one, is recognised instead of leading somewhere else.
/// </summary>
internal static class PageToken
{
    private const byte Version = 1;
    private const int ChecksumBytes = 8;
    private const string JobList = "/jobs";

    /// <summary>Marks the place behind an item of a namespace.</summary>
    public static string ForItem(string namespaceName, string lastId) => Encode(namespaceName, Encoding.UTF8.GetBytes(lastId));

    /// <summary>The id a token stands behind; false when it is no token of this namespace.</summary>
    public static bool TryReadItem(string namespaceName, string token, [NotNullWhen(true)] out string? lastId)
    {
        lastId = TryDecode(namespaceName, token, out byte[] place) ? Encoding.UTF8.GetString(place) : null;
        return lastId is not null;
    }

    /// <summary>Marks the place behind a job.</summary>
    public static string ForJob(DateTimeOffset startedAt, string jobId)
    {
        byte[] id = Encoding.UTF8.GetBytes(jobId);
        byte[] place = new byte[sizeof(long) + id.Length];
        BinaryPrimitives.WriteInt64LittleEndian(place, startedAt.UtcTicks);
        id.CopyTo(place, sizeof(long));
        return Encode(JobList, place);
    }

    /// <summary>The job a cursor stands behind; false when it is no cursor of the job list.</summary>
    public static bool TryReadJob(string token, out (DateTimeOffset StartedAt, string JobId) job)
    {
        job = default;
        if (!TryDecode(JobList, token, out byte[] place) || place.Length <= sizeof(long))
        {
            return false;
        }

        long ticks = BinaryPrimitives.ReadInt64LittleEndian(place);
        job = (new DateTimeOffset(ticks, TimeSpan.Zero), Encoding.UTF8.GetString(place.AsSpan(sizeof(long))));
        return true;
    }

    private static string Encode(string list, byte[] place)
    {
        byte[] token = new byte[1 + ChecksumBytes + place.Length];
        token[0] = Version;
        Checksum(list, place).CopyTo(token, 1);
        place.CopyTo(token, 1 + ChecksumBytes);
        return Base64Url.EncodeToString(token);
    }

    private static bool TryDecode(string list, string token, out byte[] place)
    {
        place = [];
        byte[] bytes = new byte[Base64Url.GetMaxDecodedLength(token.Length)];
        bool isBase64 = Base64Url.DecodeFromChars(token, bytes, out _, out int length) == OperationStatus.Done;
        if (!isBase64 || length < 1 + ChecksumBytes || bytes[0] != Version)
        {
            return false;
        }

        place = bytes[(1 + ChecksumBytes)..length];
        return bytes.AsSpan(1, ChecksumBytes).SequenceEqual(Checksum(list, place));
    }

    private static byte[] Checksum(string list, byte[] place)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(list));
        hash.AppendData([0]);
        hash.AppendData(place);
        return hash.GetHashAndReset()[..ChecksumBytes];
    }
}
