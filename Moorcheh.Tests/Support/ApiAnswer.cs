using System.Net.Http.Headers;
using System.Text.Json;

namespace Moorcheh.Tests.Support;

/// <summary>What the server answered.</summary>
internal sealed record ApiAnswer(int Status, string Text, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    private JsonElement? _json;

    /// <summary>The body as JSON.</summary>
    public JsonElement Json => _json ??= JsonDocument.Parse(Text).RootElement;

    /// <summary>A key of the body.</summary>
    public JsonElement this[string key] => Json.GetProperty(key);

    /// <summary>The text of a key of the body.</summary>
    public string? String(string key) => this[key].GetString();

    /// <summary>The number of a key of the body.</summary>
    public long Number(string key) => this[key].GetInt64();

    /// <summary>The keys of the body in the order sent.</summary>
    public string[] Keys() => [.. Json.EnumerateObject().Select(property => property.Name)];

    /// <summary>The answer is an error with exactly this body.</summary>
    public void AssertError(int status, string code, string message, string state = "failure")
    {
        Assert.That((Status, Text), Is.EqualTo((status, Error(state, message, code))));
        Assert.That(ContentHeaders.ContentType?.ToString(), Is.EqualTo("application/json; charset=utf-8"));
    }

    /// <summary>The answer has this status.</summary>
    public ApiAnswer AssertStatus(int status)
    {
        Assert.That(Status, Is.EqualTo(status), Text);
        Assert.That(ContentHeaders.ContentType?.ToString(), Is.EqualTo("application/json; charset=utf-8"));
        return this;
    }

    private static string Error(string state, string message, string code)
    {
        string text = JsonSerializer.Serialize(message, new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        return $$"""{"status":"{{state}}","message":{{text}},"code":"{{code}}"}""";
    }
}
