using Moorcheh.Storage;

namespace Moorcheh.Tests.Storage;

internal sealed class RecordEnvelopeTests
{
    private static readonly byte[] Body = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    [Test]
    public void TryOpen_AsWritten_GivesTheBody()
    {
        byte[] key = KeyBytes(7);
        Assert.That(RecordEnvelope.TryOpen(key, Enveloped(key), out ReadOnlySpan<byte> body), Is.True);
        Assert.That(body.ToArray(), Is.EqualTo(Body));
    }

    [Test]
    public void TryOpen_BytesAfterTheBody_AreIgnored()
    {
        byte[] key = KeyBytes(7);
        Assert.That(RecordEnvelope.TryOpen(key, [.. Enveloped(key), 0, 0, 9], out ReadOnlySpan<byte> body), Is.True);
        Assert.That(body.ToArray(), Is.EqualTo(Body));
    }

    [Test]
    public void TryOpen_AnyBitFlipped_IsFalse()
    {
        byte[] key = KeyBytes(7);
        byte[] enveloped = Enveloped(key);
        for (int bit = 0; bit < enveloped.Length * 8; bit++)
        {
            byte[] flipped = [.. enveloped];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(RecordEnvelope.TryOpen(key, flipped, out _), Is.False, $"bit {bit}");
        }
    }

    [Test]
    public void TryOpen_AnotherKey_IsFalse() =>
        Assert.That(RecordEnvelope.TryOpen(KeyBytes(8), Enveloped(KeyBytes(7)), out _), Is.False);

    [Test]
    public void TryOpen_CutShort_IsFalse()
    {
        byte[] key = KeyBytes(7);
        byte[] enveloped = Enveloped(key);
        for (int length = 0; length < enveloped.Length; length++)
        {
            Assert.That(RecordEnvelope.TryOpen(key, enveloped.AsSpan(0, length), out _), Is.False, $"{length} bytes");
        }
    }

    [Test]
    public void Key_WrittenAndRead_IsTheSame()
    {
        var key = new RecordKey(RecordKind.JobErrors, Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), long.MaxValue - 5);
        byte[] bytes = new byte[RecordKey.Bytes];
        key.Write(bytes);
        Assert.That(RecordKey.Read(bytes), Is.EqualTo(key));
    }

    private static byte[] KeyBytes(long number)
    {
        byte[] key = new byte[RecordKey.Bytes];
        new RecordKey(RecordKind.Item, Guid.Empty, number).Write(key);
        return key;
    }

    private static byte[] Enveloped(byte[] key)
    {
        byte[] enveloped = [.. new byte[RecordEnvelope.HeaderBytes], .. Body];
        RecordEnvelope.WriteHeader(key, enveloped);
        return enveloped;
    }
}
