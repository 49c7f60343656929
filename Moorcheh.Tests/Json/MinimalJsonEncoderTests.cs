using System.Text;
using System.Text.Json;
using Moorcheh.Json;

namespace Moorcheh.Tests.Json;

/// <summary>Metadata and answers carry text as plain UTF-8, emoji and rare characters included; only what JSON demands is escaped.</summary>
public class MinimalJsonEncoderTests
{
    [TestCase("plain", "plain")]
    [TestCase("é ß 漢 \u00a0\u2028\ue000\ufffe", "é ß 漢 \u00a0\u2028\ue000\ufffe")]
    [TestCase("😀 a😀b", "😀 a😀b")]
    [TestCase("<>&'+/", "<>&'+/")]
    [TestCase("\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t")]
    [TestCase("\u0000\u001f\u007f", "\\u0000\\u001f\u007f")]
    [TestCase("a\"😀\"", "a\\\"😀\\\"")]
    public void Write_Text_EscapesOnlyWhatJsonDemands(string text, string expected)
    {
        Assert.That(Write(writer => writer.WriteStringValue(text)), Is.EqualTo($"\"{expected}\""));
        Assert.That(Write(writer => writer.WriteStringValue(Encoding.UTF8.GetBytes(text))), Is.EqualTo($"\"{expected}\""));
    }

    [Test]
    public void Write_LoneSurrogate_IsReplaced()
    {
        string text = "a\ud800b";

        Assert.That(Write(writer => writer.WriteStringValue(text)), Is.EqualTo("\"a\ufffdb\""));
    }

    [Test]
    public void Write_AllScalars_ReadBackTheSame()
    {
        var text = new StringBuilder();
        for (int scalar = 0; scalar <= 0x10ffff; scalar += scalar < 0x3000 ? 1 : 97)
        {
            if (Rune.IsValid(scalar))
            {
                text.Append(new Rune(scalar));
            }
        }

        string json = Write(writer => writer.WriteStringValue(text.ToString()));

        Assert.That(JsonDocument.Parse(json).RootElement.GetString(), Is.EqualTo(text.ToString()));
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = MinimalJsonEncoder.Instance }))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
