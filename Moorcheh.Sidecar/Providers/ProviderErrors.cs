using System.Net;
using System.Text;
using System.Text.Json;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Moorcheh.Sidecar.Providers;

/// <summary>Makes what is said about failures of a provider.</summary>
internal sealed class ProviderErrors(ProviderSettings settings)
{
    private const int MaxWords = 300;
    private const int MaxErrorBytes = 64 << 10;
    private const string Hidden = "***";
    private const char Cut = '…'; // No dots: the store ends the sentence itself.

    private volatile string _lastAway = "";

    /// <summary>The failure of an answer that is none of success. Its body must be in memory.</summary>
    public async Task<ProviderException> OfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        string words = Words(body.AsMemory(0, Math.Min(body.Length, MaxErrorBytes)));
        words = words.Length > 0 ? words : Hint(response.StatusCode);
        return new ProviderException(Clean($"{settings.Kind.Name} answered {(int)response.StatusCode}: {words}"), response.StatusCode);
    }

    /// <summary>The failure that an exception of a client or of the network is about.</summary>
    public Exception Of(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is ProviderException known)
            {
                return known;
            }
        }

        string name = settings.Kind.Name;
        return exception switch
        {
            TimeoutRejectedException => NoAnswer($"{name} gave no answer within {settings.RequestTimeout.TotalSeconds:0} s"),
            BrokenCircuitException => NoAnswer($"{name} is not asked for a moment, because of what it did before: {_lastAway}"),
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => new InvalidDataException(
                $"the answer of {name} is longer than {AnswerReader.MaxAnswerBytes} bytes"),
            HttpRequestException network => NoAnswer($"{name} cannot be reached: {network.Message}"),

            // Whatever a client throws for an answer that is not as its API says. It may quote the answer.
            _ => new InvalidDataException(Clean($"the answer of {name} cannot be read: {exception.Message}")),
        };
    }

    /// <summary>Keeps what made the circuit open, for those who are not served meanwhile.</summary>
    /// <returns>Its words.</returns>
    public string KeepAway(Exception? cause, HttpStatusCode? status) =>
        _lastAway = cause is OperationCanceledException ? _lastAway
            : cause is not null ? Of(cause).Message
            : $"{settings.Kind.Name} answered {(int?)status}";

    private ProviderException NoAnswer(string message) => new(Clean(message), null);

    private static string Hint(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "check EmbeddingApiKey",
        HttpStatusCode.NotFound => "check EmbeddingBaseUrl and EmbeddingModel",
        >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => "redirects are not followed; check EmbeddingBaseUrl",
        _ => status.ToString(),
    };

    /// <summary>
    /// The words of an error's body: <c>{"error":"..."}</c>, <c>{"error":{"message":"..."}}</c>, <c>{"message":"..."}</c>, or plain text.
    /// </summary>
    private static string Words(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return Words(json.RootElement) ?? "";
        }
        catch (JsonException)
        {
            string text = Encoding.UTF8.GetString(body.Span).Trim();
            return text.StartsWith('<') ? "" : text; // A page of some proxy.
        }
    }

    private static string? Words(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.Object:
                foreach (string name in (string[])["error", "message", "detail"])
                {
                    if (element.TryGetProperty(name, out JsonElement inner) && Words(inner) is { Length: > 0 } words)
                    {
                        return words;
                    }
                }

                return null;
            default:
                return null;
        }
    }

    // First without the key, then cut: the other way round a part of it could be left at the end.
    private string Clean(string text)
    {
        string shown = settings.Key.Length == 0 ? text : text.Replace(settings.Key, Hidden, StringComparison.OrdinalIgnoreCase);
        var line = new StringBuilder(Math.Min(shown.Length, MaxWords));
        foreach (Rune rune in shown.EnumerateRunes())
        {
            if (line.Length >= MaxWords)
            {
                line.Append(Cut);
                break;
            }

            line.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        }

        return line.ToString().Trim();
    }
}
