using System.Globalization;
using System.Text;
using Moorcheh.Search.Filters;

namespace Moorcheh.Search;

/// <summary>What a search request must keep.</summary>
internal static class SearchRules
{
    /// <summary>Checks everything but the names.</summary>
    /// <returns>The text query, if it is one.</returns>
    public static QueryText? CheckQuery(SearchRequest request)
    {
        QueryText? text = null;
        if (request.Text is not null)
        {
            int bytes = Encoding.UTF8.GetByteCount(request.Text);
            if (string.IsNullOrWhiteSpace(request.Text))
            {
                throw new MoorchehException(ErrorCodes.EmptyField, "Field 'query' must not be empty.");
            }

            if (bytes > SearchRequest.MaxQueryBytes)
            {
                throw new MoorchehException(
                    ErrorCodes.QueryTooLong, $"Field 'query' has {bytes} bytes; the limit is {SearchRequest.MaxQueryBytes}.");
            }

            text = QueryText.Parse(request.Text);
            if (text.Text.Length == 0)
            {
                throw new MoorchehException(ErrorCodes.EmptyField, "Field 'query' has filters but no text.");
            }
        }
        else
        {
            CheckVector(request.Vector.Span);
            if (request.Mode != SearchMode.Semantic)
            {
                throw new MoorchehException(
                    ErrorCodes.OutOfRange, $"Mode '{request.Mode}' looks for words and needs a text query; a vector query has mode 'Semantic' only.");
            }
        }

        if (request.Namespaces.Count == 0)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, "Field 'namespaces' must not be empty.");
        }

        if (request.Namespaces.Count > SearchRequest.MaxNamespaces)
        {
            throw new MoorchehException(
                ErrorCodes.TooManyNamespaces,
                $"Field 'namespaces' has {request.Namespaces.Count} entries; the limit is {SearchRequest.MaxNamespaces}.");
        }

        if (request.MinimumScore is { } minimum && !(minimum is >= 0 and <= 1))
        {
            throw new MoorchehException(
                ErrorCodes.OutOfRange,
                string.Create(CultureInfo.InvariantCulture, $"MinimumScore must be between 0 and 1, not {minimum}."));
        }

        if (!(request.KeywordWeight is >= 0 and <= 1))
        {
            throw new MoorchehException(
                ErrorCodes.OutOfRange,
                string.Create(CultureInfo.InvariantCulture, $"KeywordWeight must be between 0 and 1, not {request.KeywordWeight}."));
        }

        return text;
    }

    private static void CheckVector(ReadOnlySpan<float> vector)
    {
        if (vector.IsEmpty)
        {
            throw new MoorchehException(ErrorCodes.EmptyField, "Field 'query' must not be empty.");
        }

        for (int i = 0; i < vector.Length; i++)
        {
            if (!float.IsFinite(vector[i]))
            {
                throw new MoorchehException(ErrorCodes.NonFiniteValue, $"Query value {i} is not a finite number.");
            }
        }
    }
}
