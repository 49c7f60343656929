using System.Text;

namespace Moorcheh.Tests.Embeddings;

/// <summary>Writes a SentencePiece model: the few fields of sentencepiece_model.proto that a unigram model needs.</summary>
internal static class SentencePieceFile
{
    private const int Normal = 1, Unknown = 2, Control = 3;

    /// <summary>A model with &lt;unk&gt; 0, &lt;s&gt; 1, &lt;/s&gt; 2 and then the pieces.</summary>
    public static byte[] Unigram(string[] pieces)
    {
        var file = new MemoryStream();
        Message(file, 1, Piece("<unk>", 0, Unknown));
        Message(file, 1, Piece("<s>", 0, Control));
        Message(file, 1, Piece("</s>", 0, Control));
        foreach (string piece in pieces)
            Message(file, 1, Piece(piece, -1, Normal));

        var trainer = new MemoryStream();
        Number(trainer, 3, 1);    // model_type: unigram
        Number(trainer, 40, 0);   // unk_id, bos_id, eos_id
        Number(trainer, 41, 1);
        Number(trainer, 42, 2);
        Message(file, 2, trainer);

        var normalizer = new MemoryStream();
        Message(normalizer, 1, new MemoryStream("identity"u8.ToArray()));
        Number(normalizer, 3, 1);   // add_dummy_prefix, remove_extra_whitespaces, escape_whitespaces
        Number(normalizer, 4, 1);
        Number(normalizer, 5, 1);
        Message(file, 3, normalizer);
        return file.ToArray();
    }

    private static MemoryStream Piece(string text, float score, int type)
    {
        var piece = new MemoryStream();
        Message(piece, 1, new MemoryStream(Encoding.UTF8.GetBytes(text)));
        Varint(piece, (2 << 3) | 5);
        piece.Write(BitConverter.GetBytes(score));
        Number(piece, 3, type);
        return piece;
    }

    private static void Message(MemoryStream to, int field, MemoryStream content)
    {
        Varint(to, (field << 3) | 2);
        Varint(to, (int)content.Length);
        content.WriteTo(to);
    }

    private static void Number(MemoryStream to, int field, int value)
    {
        Varint(to, field << 3);
        Varint(to, value);
    }

    private static void Varint(MemoryStream to, int value)
    {
        for (; value >= 0x80; value >>= 7)
            to.WriteByte((byte)(value | 0x80));
        to.WriteByte((byte)value);
    }
}
