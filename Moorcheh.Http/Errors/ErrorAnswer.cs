using System.Globalization;
using System.Text.Json;
using Moorcheh.Http.Json;

namespace Moorcheh.Http.Errors;

/// <summary>Writes the body of a failed request: status, message, code, and the facts its rule names.</summary>
internal sealed class ErrorAnswer : IResult, IStatusCodeHttpResult
{
    private readonly string _code;
    private readonly string _message;
    private readonly IReadOnlyDictionary<string, object> _facts;
    private readonly ErrorRule _rule;
    private readonly int _status;
    private readonly bool _isSearch;

    private ErrorAnswer(string code, string message, IReadOnlyDictionary<string, object> facts, ErrorRule rule, bool isSearch)
    {
        _code = code;
        _message = message;
        _facts = facts;
        _rule = rule;
        _isSearch = isSearch;
        _status = rule.StatusFor(isSearch);
    }

    /// <inheritdoc/>
    public int? StatusCode => _status;

    /// <summary>The answer for an error that its rule lets out.</summary>
    public static ErrorAnswer From(MoorchehException error, bool isSearch) =>
        new(error.Code, error.Message, error.Facts, ErrorTable.Get(error.Code), isSearch);

    /// <summary>The answer for a defect; the log holds the rest under the same reference.</summary>
    public static ErrorAnswer Internal(string reference) => new(
        HttpErrorCodes.InternalError,
        $"Internal error, reference {reference}.",
        new Dictionary<string, object>(),
        ErrorTable.Get(HttpErrorCodes.InternalError),
        isSearch: false);

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        IHeaderDictionary headers = httpContext.Response.Headers;
        if (_rule.RetryAfterSeconds is { } seconds)
        {
            headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (_status == StatusCodes.Status401Unauthorized)
        {
            headers.WWWAuthenticate = "Bearer";
        }

        return JsonOutput.WriteAsync(httpContext, _status, Write);
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("status"u8, _isSearch && _status == StatusCodes.Status400BadRequest ? "error"u8 : "failure"u8);
        writer.WriteString("message"u8, _message);
        writer.WriteString("code"u8, _code);
        foreach (string fact in _rule.Facts ?? [])
        {
            if (_facts.TryGetValue(fact, out object? value))
            {
                WriteFact(writer, JsonNamingPolicy.SnakeCaseLower.ConvertName(fact), value);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteFact(Utf8JsonWriter writer, string name, object value)
    {
        switch (value)
        {
            case string text:
                writer.WriteString(name, text);
                break;
            case int or long:
                writer.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            default:
                throw new InvalidOperationException($"Fact '{name}' is a {value.GetType()}; only texts and whole numbers can be sent.");
        }
    }
}
