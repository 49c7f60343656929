using System.Text;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>
/// Input nobody means well with. Each is answered as the specification says; afterwards the server still answers, nothing was
/// stored, and no job was started.
/// </summary>
public class HostileInputTests : ServerFixture
{
    private const string Good = """{"id":"good","vector":[1,2,3]}""";

    private static readonly byte[] BadUtf8Body = [.. "{\"vectors\":[{\"id\":\""u8, 0xff, .. "\",\"vector\":[1,2,3]}]}"u8];

    private static IEnumerable<TestCaseData> Vectors()
    {
        yield return Case("NaN", """{"id":"a","vector":[1,NaN,3]}""", "invalid-json", "Request body is not valid JSON (line 1, byte 66).");
        yield return Case("Infinity", """{"id":"a","vector":[1,-Infinity,3]}""", "invalid-json", "Request body is not valid JSON (line 1, byte 67).");
        yield return Case("1e39", """{"id":"a","vector":[1,1e39,3]}""", "non-finite-value", "Vector 1 ('a'): value 1 is not a finite number.");
        yield return Case("-1e999", """{"id":"a","vector":[1,-1e999,3]}""", "non-finite-value", "Vector 1 ('a'): value 1 is not a finite number.");
        yield return Case("missing", """{"id":"a"}""", "missing-field", "Vector 1 ('a') has no 'vector'.");
        yield return Case("null", """{"id":"a","vector":null}""", "missing-field", "Vector 1 ('a') has no 'vector'.");
        yield return Case("nested", """{"id":"a","vector":[[1,2,3]]}""", "wrong-type", "Vector 1 ('a'): value 0 must be a number, not an array.");
        yield return Case("short", """{"id":"a","vector":[1,2]}""", "dimension-mismatch", "Vector 1 ('a') has 2 values; namespace '{0}' needs 3.");
        yield return Case("long", """{"id":"a","vector":[1,2,3,4]}""", "dimension-mismatch", "Vector 1 ('a') has 4 values; namespace '{0}' needs 3.");
        yield return Case("last of two vectors", """{"id":"a","vector":[1,2,3],"vector":[]}""", "dimension-mismatch", "Vector 1 ('a') has 0 values; namespace '{0}' needs 3.");
        yield return Case("last of two ids", """{"id":"a","vector":[1,2,3],"id":5}""", "wrong-type", "Vector 1: 'id' must be a string, not a number.");
        yield return Case("id of 513 bytes", $$"""{"id":"{{new string('x', 511)}}é","vector":[1,2,3]}""", "invalid-id", "Vector 1: 'id' has 513 bytes; the limit is 512.");
        yield return Case("lone surrogate", """{"id":"\udead","vector":[1,2,3]}""", "invalid-json", "Request body is not valid JSON (line 1, byte 51).");
        yield return Case("control character", "{\"id\":\"a\u0000\",\"vector\":[1,2,3]}", "invalid-json", "Request body is not valid JSON (line 1, byte 52).");
        yield return Case("big metadata", $$"""{"id":"a","vector":[1,2,3],"k":"{{new string('m', 70_000)}}"}""", "invalid-metadata", "Vector 1 ('a'): metadata has 70008 bytes; the limit is 65536.");
        yield return Case("deep metadata", """{"id":"a","vector":[1,2,3],"k":[[[[[[[[]]]]]]]]}""", "invalid-metadata", "Vector 1 ('a'): metadata is 9 levels deep; the limit is 8.");
        yield return Case("65 levels", $$"""{"id":"a","vector":[1,2,3],"k":{{new string('[', 62)}}{{new string(']', 62)}}}""", "invalid-json", "Request body is not valid JSON (line 1, byte 136).");

        static TestCaseData Case(string name, string entry, string code, string message) => new TestCaseData(entry, code, message).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Vectors))]
    public async Task Vector_BesideAGoodOne_StoresNothing(string entry, string code, string message)
    {
        string name = await NewNamespaceAsync(3);

        ApiAnswer answer = await Api.PostAsync($"/namespaces/{name}/vectors", $$"""{"vectors":[{{Good}},{{entry}}]}""");

        answer.AssertError(400, code, string.Format(null, message, name));
        await AssertNothingHappenedAsync(name);
    }

    [Test]
    public async Task Vector_InvalidUtf8_StoresNothing()
    {
        string name = await NewNamespaceAsync(3);

        (await Api.PostAsync($"/namespaces/{name}/vectors", BadUtf8Body)).AssertError(400, "invalid-json", "Request body is not valid JSON (line 1, byte 20).");

        await AssertNothingHappenedAsync(name);
    }

    [Test]
    public async Task Vectors_MoreThanTheLimit_StoreNothing()
    {
        string name = await NewNamespaceAsync(3);
        string body = $$"""{"vectors":[{{string.Join(',', Enumerable.Repeat(Good, 10_001))}}]}""";

        (await Api.PostAsync($"/namespaces/{name}/vectors", body)).AssertError(400, "too-many-items", "Field 'vectors' has 10001 entries; the limit is 10000.");

        await AssertNothingHappenedAsync(name);
    }

    [Test]
    public async Task Vectors_SyntaxMistakeAtTheVeryEnd_StoresNothing()
    {
        string name = await NewNamespaceAsync(3);

        (await Api.PostAsync($"/namespaces/{name}/vectors", $$"""{"vectors":[{{Good}}]""")).AssertError(
            400, "invalid-json", "Request body is not valid JSON (line 1, byte 44).");

        await AssertNothingHappenedAsync(name);
    }

    [Test]
    public async Task Text_OverOneMebibyte_IsRefused()
    {
        string name = await NewNamespaceAsync();
        string body = $$"""{"documents":[{"id":"a","text":"{{new string('x', (1 << 20) + 1)}}"}]}""";

        (await Api.PostAsync($"/namespaces/{name}/documents", body)).AssertError(
            400, "invalid-text", "Document 0 ('a'): 'text' has 1048577 bytes; the limit is 1048576.");

        await AssertNothingHappenedAsync(name);
    }

    [TestCase("/namespaces/../x/documents", 404)]
    [TestCase("/namespaces/..%2fx/documents", 404)]
    [TestCase("/namespaces/%2e%2e/documents", 404)]
    [TestCase("/namespaces/a%2fb/documents", 404)]
    [TestCase("/namespaces/a%00b/documents", 400)]
    [TestCase("/namespaces//documents", 404)]
    [TestCase("/namespaces/%20/documents", 404)]
    public async Task Name_InThePath_IsOnlyEverLookedUp(string path, int status)
    {
        // Written to the socket as it is: an HTTP client would tidy the path first.
        string answer = await SendRawAsync($"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");

        Assert.That(answer, Does.StartWith($"HTTP/1.1 {status} "));
        (await Api.GetAsync("/health")).AssertStatus(200);
    }

    [Test]
    public async Task Name_Of129Characters_IsNotFound()
    {
        string name = new('n', 129);

        (await Api.PostAsync($"/namespaces/{name}/documents", "{}")).AssertError(404, "namespace-not-found", $"Namespace '{name}' not found.");
    }

    [Test]
    public async Task Depth_OfSixtyFiveLevels_IsNoJson()
    {
        byte[] body = Encoding.UTF8.GetBytes(new string('[', 65) + new string(']', 65));
        byte[] shallower = Encoding.UTF8.GetBytes(new string('[', 64) + new string(']', 64));

        (await Api.PostAsync("/namespaces", body)).AssertError(400, "invalid-json", "Request body is not valid JSON (line 1, byte 65).");
        (await Api.PostAsync("/namespaces", shallower)).AssertError(400, "wrong-type", "Request body must be an object, not an array.");
    }

    [Test]
    public async Task Body_ShorterThanAnnounced_IsForgotten()
    {
        string name = await NewNamespaceAsync(3);
        using (var socket = new System.Net.Sockets.TcpClient())
        {
            await socket.ConnectAsync(Server.Address.Host, Server.Address.Port);
            string head = $"POST /namespaces/{name}/vectors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + $$"""{"vectors":[{{Good}}]}"""));
        }

        await AssertNothingHappenedAsync(name);
    }

    private async Task<string> SendRawAsync(string request)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(Server.Address.Host, Server.Address.Port);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(socket.GetStream(), Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    private async Task AssertNothingHappenedAsync(string name)
    {
        ApiAnswer found = (await Api.GetAsync($"/namespaces/{name}")).AssertStatus(200);
        Assert.That(found["namespace"].GetProperty("item_count").GetInt64(), Is.Zero);
        Assert.That(await CountJobsAsync(name), Is.Zero);
    }
}
