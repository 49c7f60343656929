using System.Text;
using Moorcheh.Http.Json;

namespace Moorcheh.Tests.Http.Json;

/// <summary>Turning upload bodies into entries: kinds, duplicates, metadata, and which mistake is answered.</summary>
public class UploadReaderTests
{
    private static readonly MoorchehOptions Options = new();

    [Test]
    public void ReadVectors_AllForms_GiveIdsValuesAndMetadata()
    {
        List<VectorItem> vectors = ReadVectors("""
            { "other" : [1], "vectors" : [
                {"id":"a","vector":[1,-2.5,3e2],"n": 1.50 ,"tags":["x", {"y":null}]} ,
                {"metadata":{"deep":1},"vector":[ 0 , 0,0 ],"text":"kept","id":"\u00e9\"\n"},
                {"id":"c","vector":[1,2,3]}
            ], "z" : 1 }
            """);

        Assert.That(vectors.Select(item => item.Id), Is.EqualTo(new[] { "a", "é\"\n", "c" }));
        Assert.That(vectors[0].Vector.ToArray(), Is.EqualTo(new[] { 1f, -2.5f, 300f }));
        Assert.That(vectors[1].Vector.ToArray(), Is.EqualTo(new[] { 0f, 0f, 0f }));
        Assert.That(vectors[0].Metadata!.ToString(), Is.EqualTo("""{"n":1.50,"tags":["x",{"y":null}]}"""));
        Assert.That(vectors[1].Metadata!.ToString(), Is.EqualTo("""{"metadata":{"deep":1},"text":"kept"}"""));
        Assert.That(vectors[2].Metadata!.IsEmpty);
    }

    [Test]
    public void ReadVectors_KeysSentTwice_TakesTheLast()
    {
        List<VectorItem> vectors = ReadVectors(
            """{"vectors":5,"vectors":[{"id":7,"vector":"x","k":1,"vector":[1,2,3,4,5],"vector":[4,5,6],"k":2,"i\u0064":"a"}]}""");

        Assert.That(vectors[0].Id, Is.EqualTo("a"));
        Assert.That(vectors[0].Vector.ToArray(), Is.EqualTo(new[] { 4f, 5f, 6f }));
        Assert.That(vectors[0].Metadata!.ToString(), Is.EqualTo("""{"k":2}"""));
    }

    [TestCase("""[]""", "wrong-type", "Request body must be an object, not an array.")]
    [TestCase("""null""", "wrong-type", "Request body must be an object, not null.")]
    [TestCase("""{}""", "missing-field", "Field 'vectors' is required.")]
    [TestCase("""{"vectors":null}""", "missing-field", "Field 'vectors' is required.")]
    [TestCase("""{"vectors":"x"}""", "wrong-type", "Field 'vectors' must be an array, not a string.")]
    [TestCase("""{"vectors":[]}""", "empty-field", "Field 'vectors' must not be empty.")]
    [TestCase("""{"vectors":["x"]}""", "wrong-type", "Vector 0 must be an object, not a string.")]
    [TestCase("""{"vectors":[{"vector":[1,2,3]}]}""", "missing-field", "Vector 0 has no 'id'.")]
    [TestCase("""{"vectors":[{"id":null,"vector":[1,2,3]}]}""", "missing-field", "Vector 0 has no 'id'.")]
    [TestCase("""{"vectors":[{"id":7}]}""", "wrong-type", "Vector 0: 'id' must be a string, not a number.")]
    [TestCase("""{"vectors":[{"id":""}]}""", "invalid-id", "Vector 0: 'id' is empty.")]
    [TestCase("""{"vectors":[{"id":"a"}]}""", "missing-field", "Vector 0 ('a') has no 'vector'.")]
    [TestCase("""{"vectors":[{"id":"a","vector":null}]}""", "missing-field", "Vector 0 ('a') has no 'vector'.")]
    [TestCase("""{"vectors":[{"id":"a","vector":"x"}]}""", "wrong-type", "Vector 0 ('a'): 'vector' must be an array of numbers, not a string.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,"2",3]}]}""", "wrong-type", "Vector 0 ('a'): value 1 must be a number, not a string.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,null,3]}]}""", "wrong-type", "Vector 0 ('a'): value 1 must be a number, not null.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,[],3]}]}""", "wrong-type", "Vector 0 ('a'): value 1 must be a number, not an array.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,1e39]}]}""", "non-finite-value", "Vector 0 ('a'): value 2 is not a finite number.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4,-1e999]}]}""", "non-finite-value", "Vector 0 ('a'): value 4 is not a finite number.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2]}]}""", "dimension-mismatch", "Vector 0 ('a') has 2 values; namespace 'emb' needs 3.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[]}]}""", "dimension-mismatch", "Vector 0 ('a') has 0 values; namespace 'emb' needs 3.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3,4]}]}""", "dimension-mismatch", "Vector 0 ('a') has 4 values; namespace 'emb' needs 3.")]
    [TestCase("""{"vectors":[{"id":"a","vector":[1,2,3]},{"id":"b","vector":[1]},{"id":5}]}""", "dimension-mismatch", "Vector 1 ('b') has 1 values; namespace 'emb' needs 3.")]
    public void ReadVectors_BadEntries_AnswersTheFirst(string json, string code, string message) =>
        AssertFails(() => ReadVectors(json), code, message);

    [TestCase("""{"documents":[{"id":"a"}]}""", "missing-field", "Document 0 ('a') has no 'text'.")]
    [TestCase("""{"documents":[{"id":"a","text":5}]}""", "wrong-type", "Document 0 ('a'): 'text' must be a string, not a number.")]
    [TestCase("""{"documents":[{"id":"a","text":""}]}""", "invalid-text", "Document 0 ('a'): 'text' is empty.")]
    [TestCase("""{"documents":[{"id":"a","text":"x"},7]}""", "wrong-type", "Document 1 must be an object, not a number.")]
    [TestCase("""{"documents":{"id":"a"}}""", "wrong-type", "Field 'documents' must be an array, not an object.")]
    public void ReadDocuments_BadEntries_AnswersTheFirst(string json, string code, string message) =>
        AssertFails(() => ReadDocuments(json), code, message);

    [Test]
    public void ReadDocuments_LongId_IsRefusedBeforeAMissingText() => AssertFails(
        () => ReadDocuments($$"""{"documents":[{"id":"{{new string('x', 513)}}"}]}"""),
        "invalid-id",
        "Document 0: 'id' has 513 bytes; the limit is 512.");

    [Test]
    public void ReadDocuments_MetadataLimits_AreTheStores()
    {
        string big = new('m', 65_536);
        AssertFails(
            () => ReadDocuments($$"""{"documents":[{"id":"a","text":"x","k":"{{big}}"}]}"""),
            "invalid-metadata",
            "Document 0 ('a'): metadata has 65544 bytes; the limit is 65536.");
        string deep = new string('[', 8) + new string(']', 8);
        AssertFails(
            () => ReadDocuments($$"""{"documents":[{"id":"a","text":"x","k":{{deep}}}]}"""),
            "invalid-metadata",
            "Document 0 ('a'): metadata is 9 levels deep; the limit is 8.");
    }

    [Test]
    public void ReadDocuments_TooManyEntries_AreCountedBeforeTheyAreRead()
    {
        string entries = string.Join(',', Enumerable.Repeat("5", 10_001));
        AssertFails(() => ReadDocuments($$"""{"documents":[{{entries}}]}"""), "too-many-items", "Field 'documents' has 10001 entries; the limit is 10000.");
    }

    [Test]
    public void ReadDocuments_TextsWithEscapes_AreDecoded()
    {
        List<Document> documents = ReadDocuments("""{"documents":[{"text":"a\\b\u0041 \ud83d\ude00 ß","id":"1","vector":[1]}]}""");

        Assert.That(documents[0].Text, Is.EqualTo("a\\bA 😀 ß"));
        Assert.That(documents[0].Metadata!.ToString(), Is.EqualTo("""{"vector":[1]}"""));
    }

    private static List<VectorItem> ReadVectors(string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json);
        FieldPlace? place = JsonSyntax.Check(body, "vectors"u8);
        return UploadReader.ReadVectors(body, place, Namespace(), new FloatSlabs(), Options);
    }

    private static List<Document> ReadDocuments(string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json);
        return UploadReader.ReadDocuments(body, JsonSyntax.Check(body, "documents"u8), Options);
    }

    private static NamespaceInfo Namespace() => new()
    {
        Name = "emb",
        Kind = NamespaceKind.Vector,
        Dimension = 3,
        ItemCount = 0,
        CreatedAt = default,
        UpdatedAt = default,
        Embedder = null,
        RunningJobs = 0,
        StoredBytes = 0,
    };

    private static void AssertFails(Action action, string code, string message)
    {
        var error = Assert.Throws<MoorchehException>(action);
        Assert.That((error.Code, error.Message), Is.EqualTo((code, message)));
    }
}
