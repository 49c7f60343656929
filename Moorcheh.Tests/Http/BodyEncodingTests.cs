using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Moorcheh.Tests.Http.Artifacts;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Byte order marks and Content-Encoding, on both APIs. A small request never takes the memory of a large one.</summary>
public partial class BodyEncodingTests : ServerFixture
{
    private const int MaxBody = 4 << 20;
    private const string Delete = """{"collection":"c","artifact":"a"}""";
    private const string Deleted = """{"detail":"VectorArtifactIndex for artifact=a is not initialized."}""";

    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];

    private protected override Task<TestServer> StartAsync() => ArtifactServer.StartAsync(http: options => options.MaxBodyBytes = MaxBody);

    [Test]
    public async Task ByteOrderMark_IsDropped()
    {
        string name = await NewNamespaceAsync(2);
        (await Api.FinishAsync(await Api.PostAsync(
            $"/namespaces/{name}/vectors", [.. Mark, .. """{"vectors":[{"id":"a","vector":[1,0]}]}"""u8]))).AssertStatus(200);

        (await Api.PostAsync("/search", [.. Mark, .. Encoding.UTF8.GetBytes($$"""{"query":[1,0],"namespaces":["{{name}}"]}""")])).AssertStatus(200);
        (await Api.PostAsync("/namespaces", [.. Mark, .. "{\"x\":y}"u8])).AssertError(400, "invalid-json", "Request body is not valid JSON (line 1, byte 6).");
        (await Api.PostAsync("/namespaces", Mark)).AssertError(400, "invalid-json", "Request body is missing.");
        (await Api.PostAsync("/namespaces", [.. Mark, .. Mark, .. "{}"u8])).AssertError(400, "invalid-json", "Request body is not valid JSON (line 1, byte 1).");
        (await Api.PostAsync("/v1/artifacts/delete", [.. Mark, .. Encoding.UTF8.GetBytes(Delete)])).AssertIs(400, Deleted);
        (await Api.PostAsync("/v1/artifacts/delete", Mark)).AssertIs(
            422, """{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}""");
    }

    [TestCase("gzip")]
    [TestCase("GZip")]
    [TestCase("x-gzip")]
    [TestCase("br")]
    public async Task Encoded_IsDecoded(string encoding)
    {
        string name = await NewNamespaceAsync(2);
        string vectors = string.Join(',', Enumerable.Range(0, 9000).Select(i => $$"""{"id":"v{{i}}","vector":[{{i}},1],"n":{{i * 7919}}}"""));

        ApiAnswer started = await SendAsync($"/namespaces/{name}/vectors", encoding, Encoding.UTF8.GetBytes($$"""{"vectors":[{{vectors}}]}"""));

        Assert.That((await Api.FinishAsync(started)).Number("successful"), Is.EqualTo(9000));
        (await SendAsync("/search", encoding, [.. Mark, .. Encoding.UTF8.GetBytes($$"""{"query":[1,0],"namespaces":["{{name}}"]}""")], isChunked: true)).AssertStatus(200);
        (await SendAsync("/v1/artifacts/delete", encoding, Encoding.UTF8.GetBytes(Delete))).AssertIs(400, Deleted);
        (await SendAsync("/namespaces", encoding, [])).AssertError(400, "invalid-json", "Request body is missing.");
    }

    [Test]
    public async Task Identity_IsNoEncoding() =>
        (await SendAsync("/namespaces", "identity", "{}"u8.ToArray())).AssertError(400, "missing-field", "Field 'namespace_name' is required.");

    [TestCase("zstd")]
    [TestCase("deflate")]
    [TestCase("gzip, br")]
    public async Task OtherEncodings_AreNamed(string encoding)
    {
        string message = $"Content-Encoding '{encoding}' is not supported; send one of 'gzip, br', or none.";

        using HttpResponseMessage answer = await Api.Http.SendAsync(Request("/namespaces", encoding, "{}"u8.ToArray()));

        Assert.That((int)answer.StatusCode, Is.EqualTo(415));
        Assert.That(
            await answer.Content.ReadAsStringAsync(), Is.EqualTo($$"""{"status":"failure","message":"{{message}}","code":"unsupported-content-encoding"}"""));
        Assert.That(answer.Headers.GetValues("Accept-Encoding"), Is.EqualTo(new[] { "gzip, br" }));
        (await Api.SendAsync(Request("/v1/artifacts/ingest", encoding, "{}"u8.ToArray()))).AssertIs(415, $$"""{"detail":"{{message}}"}""");
    }

    [TestCase("gzip")]
    [TestCase("br")]
    public async Task WhatIsNotEncodedAsItSays_IsRefused(string encoding)
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)0xF7, 100)];
        string message = $"Request body is not valid '{encoding}', as its Content-Encoding says.";

        (await Api.SendAsync(Request("/namespaces", encoding, bytes))).AssertError(400, "invalid-content-encoding", message);
        (await Api.SendAsync(Request("/search", encoding, bytes))).AssertError(400, "invalid-content-encoding", message, state: "error");
        (await Api.SendAsync(Request("/v1/artifacts/delete", encoding, bytes))).AssertIs(400, $$"""{"detail":"{{message}}"}""");
    }

    /// <summary>Half of what was encoded is no JSON, and nothing of it is done.</summary>
    [TestCase("gzip")]
    [TestCase("br")]
    public async Task CutShort_IsRefused(string encoding)
    {
        string name = await NewNamespaceAsync(2);
        byte[] whole = Encode(encoding, """{"vectors":[{"id":"a","vector":[1,0]},{"id":"b","vector":[0,1]},{"id":"c","vector":[1,1]}]}"""u8.ToArray());

        (await Api.SendAsync(Request($"/namespaces/{name}/vectors", encoding, whole[..(whole.Length / 2)]))).AssertStatus(400);

        Assert.That(await CountJobsAsync(name), Is.Zero);
    }

    /// <summary>Stopped when a mebibyte has come out of it, and not at the limit of a body.</summary>
    [TestCase("gzip")]
    [TestCase("br")]
    public async Task Bomb_IsRefusedEarly(string encoding)
    {
        byte[] bomb = Encode(encoding, [.. "{\"query\":\""u8, .. Enumerable.Repeat((byte)'a', MaxBody - 100), .. "\"}"u8]);
        Assert.That(bomb, Has.Length.LessThan(8192));

        ApiAnswer answer = await Api.SendAsync(Request("/search", encoding, bomb));

        answer.AssertStatus(413);
        Match match = Growth().Match(answer.Text);
        Assert.That(match.Success, answer.Text);
        Assert.That(long.Parse(match.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture), Is.InRange(1 << 20, 3 << 19));
        Assert.That(match.Groups[1].Value, Is.EqualTo(encoding));
        Assert.That((await Api.SendAsync(Request("/v1/artifacts/delete", encoding, bomb))).Text, Does.StartWith("""{"detail":"Request body grows by more than 100 times when"""));
        (await Api.GetAsync("/livez")).AssertStatus(200);
    }

    [TestCase("gzip")]
    [TestCase("br")]
    public async Task SmallBodies_MayGrowByAnyFactor(string encoding)
    {
        byte[] body = [.. "{\"query\":\""u8, .. Enumerable.Repeat((byte)'a', 1_000_000), .. "\",\"namespaces\":[\"nope\"]}"u8];

        (await SendAsync("/search", encoding, body)).AssertStatus(400);
    }

    /// <summary>Bytes of chance do not shrink, so it is the size alone that is too much here.</summary>
    [TestCase("gzip", false)]
    [TestCase("gzip", true)]
    [TestCase("br", true)]
    public async Task DecodedSizeOverTheLimit_IsTooLarge(string encoding, bool isChunked)
    {
        byte[] letters = new byte[MaxBody + 1];
        new Random(5).NextBytes(letters);
        byte[] body = Encoding.ASCII.GetBytes(Convert.ToHexString(letters)[..(MaxBody + 1)]);

        (await SendAsync("/namespaces/x/documents", encoding, body, isChunked)).AssertError(413, "body-too-large", $"Request body is larger than {MaxBody} bytes.");
    }

    private static byte[] Encode(string encoding, byte[] body)
    {
        using var encoded = new MemoryStream();
        using (Stream encoder = encoding == "br" ? new BrotliStream(encoded, CompressionLevel.Optimal) : new GZipStream(encoded, CompressionLevel.Optimal))
        {
            encoder.Write(body);
        }

        return encoded.ToArray();
    }

    private static HttpRequestMessage Request(string path, string encoding, byte[] encoded, bool isChunked = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(encoded) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        request.Headers.TransferEncodingChunked = isChunked;
        return request;
    }

    [GeneratedRegex(@"grows by more than 100 times when '(.+)' is decoded \((\d+) bytes from (\d+)\)\.")]
    private static partial Regex Growth();

    private Task<ApiAnswer> SendAsync(string path, string encoding, byte[] body, bool isChunked = false) =>
        Api.SendAsync(Request(path, encoding, encoding == "identity" ? body : Encode(encoding, body), isChunked));
}
