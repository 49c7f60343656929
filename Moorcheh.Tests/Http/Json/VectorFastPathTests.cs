using System.Globalization;
using System.Text;
using Moorcheh.Http.Json;

namespace Moorcheh.Tests.Http.Json;

/// <summary>
/// The fast path may give up whenever it likes, but what it accepts must be accepted by <see cref="UploadReader"/> too, with the
/// same entries: the slow reader is the oracle.
/// </summary>
public class VectorFastPathTests
{
    private const int Dimension = 4;

    private static readonly MoorchehOptions Options = new() { Limits = { MaxUploadItems = 3 } };

    private static readonly NamespaceInfo Target = new()
    {
        Name = "emb",
        Kind = NamespaceKind.Vector,
        Dimension = Dimension,
        ItemCount = 0,
        CreatedAt = default,
        UpdatedAt = default,
        Embedder = null,
        RunningJobs = 0,
        StoredBytes = 0,
    };

    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]}]}""")]
    [TestCase(""" { "x" : {"vectors":[]} , "vectors" : [ { "vector" : [ 1.5 , -2e3 ,0,-0.25 ] , "id" : "é😀", "k" : "v" , "n" : [1,{"a":null}] } ] , "y":1.5 } """)]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4],"s":"\ud83d\ude00\n","t":true,"f":false,"z":null,"e":{},"k":1,"k":2}]}""")]
    public void TryRead_PlainUploads_GivesWhatTheSlowReaderGives(string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json);

        List<VectorItem>? fast = VectorFastPath.TryRead(body, Target, new FloatSlabs(), Options);

        Assert.That(fast, Is.Not.Null);
        AssertSame(fast!, ReadSlowly(body));
    }

    [TestCase("")]
    [TestCase("{}")]
    [TestCase("[]")]
    [TestCase("""{"vectors":null}""")]
    [TestCase("""{"vectors":[]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]}]""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]}]}}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]},]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4],}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,04]}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,NaN]}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,1e39]}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3]}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4,5]}]}""")]
    [TestCase("""{"vectors":[{"id":"","vector":[1,2,3,4]}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4],"s":"\ud800"}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4],"s":tru}]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]}],"vectors":[]}""")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]},{"id":"b","vector":[1,2,3,4]},{"id":"c","vector":[1,2,3,4]},{"id":"d","vector":[1,2,3,4]}]}""")]
    public void TryRead_AnythingElse_GivesUp(string json) =>
        Assert.That(VectorFastPath.TryRead(Encoding.UTF8.GetBytes(json), Target, new FloatSlabs(), Options), Is.Null);

    [Test]
    public void TryRead_Depth_EndsWhereTheSlowReaderEnds()
    {
        foreach (int levels in new[] { 61, 62 })
        {
            string nested = new string('[', levels) + new string(']', levels);
            byte[] body = Encoding.UTF8.GetBytes($$"""{"vectors":[{"id":"a","vector":[1,2,3,4]}],"deep":{{nested}}}""");
            byte[] deeper = Encoding.UTF8.GetBytes($$"""{"vectors":[{"id":"a","vector":[1,2,3,4]}],"deep":[[{{nested}}]]}""");

            Assert.That(VectorFastPath.TryRead(body, Target, new FloatSlabs(), Options), Is.Not.Null);
            Assert.That(VectorFastPath.TryRead(deeper, Target, new FloatSlabs(), Options), levels == 61 ? Is.Not.Null : Is.Null);
            Assert.That(TryReadSlowly(deeper) is not null, Is.EqualTo(levels == 61));
        }
    }

    [Test]
    public void TryRead_MutatedUploads_NeverAcceptsMoreThanTheSlowReader()
    {
        var random = new Random(3);
        byte[] alphabet = "{}[]\",:\\u0123456789.eE+-truefalsn \t\n\u0001d8xé"u8.ToArray();
        int accepted = 0;
        for (int i = 0; i < 30_000; i++)
        {
            byte[] body = RandomUpload(random);
            for (int mutations = random.Next(3); mutations > 0; mutations--)
            {
                body[random.Next(body.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            if (VectorFastPath.TryRead(body, Target, new FloatSlabs(), Options) is { } fast)
            {
                accepted++;
                List<VectorItem>? slow = TryReadSlowly(body);
                Assert.That(slow, Is.Not.Null, () => Encoding.UTF8.GetString(body));
                AssertSame(fast, slow!);
            }
        }

        Assert.That(accepted, Is.GreaterThan(10_000));
    }

    private static byte[] RandomUpload(Random random)
    {
        var json = new StringBuilder("{\"vectors\":[");
        int count = random.Next(1, 4);
        for (int i = 0; i < count; i++)
        {
            json.Append(i > 0 ? "," : "").Append("{\"id\":\"v").Append(random.Next(100)).Append("\",\"vector\":[");
            for (int j = 0; j < Dimension; j++)
            {
                double value = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-6, 3));
                json.Append(j > 0 ? ", " : "").Append(random.Next(2) == 0
                    ? ((float)value).ToString("R", CultureInfo.InvariantCulture)
                    : value.ToString("R", CultureInfo.InvariantCulture));
            }

            json.Append(random.Next(3) switch { 0 => "],\"s\":\"a\\u00e9\\\\b\"", 1 => "],\"n\":[1,{\"x\":-2.5e1}],\"t\":true", _ => "]" }).Append('}');
        }

        return Encoding.UTF8.GetBytes(json.Append("]}").ToString());
    }

    private static List<VectorItem> ReadSlowly(byte[] body) =>
        UploadReader.ReadVectors(body, JsonSyntax.Check(body, "vectors"u8), Target, new FloatSlabs(), Options);

    private static List<VectorItem>? TryReadSlowly(byte[] body)
    {
        try
        {
            return ReadSlowly(body);
        }
        catch (MoorchehException)
        {
            return null;
        }
    }

    private static void AssertSame(List<VectorItem> actual, List<VectorItem> expected)
    {
        Assert.That(actual.Select(item => item.Id), Is.EqualTo(expected.Select(item => item.Id)));
        Assert.That(actual.Select(item => item.Metadata), Is.EqualTo(expected.Select(item => item.Metadata)));
        for (int i = 0; i < actual.Count; i++)
        {
            Assert.That(actual[i].Vector.ToArray(), Is.EqualTo(expected[i].Vector.ToArray()));
        }
    }
}
