using System.Buffers;

namespace Moorcheh;

/// <summary>What a namespace may be called and how long its vectors may be.</summary>
public static class NamespaceRules
{
    /// <summary>Most characters of a name.</summary>
    public const int MaxNameLength = 128;

    /// <summary>Most values per vector.</summary>
    public const int MaxDimension = 16_384;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>True for 1 to 128 of <c>A-Z a-z 0-9 _ -</c>, the first a letter or digit.</summary>
    public static bool IsName(string? name) =>
        name is { Length: >= 1 and <= MaxNameLength }
        && char.IsAsciiLetterOrDigit(name[0])
        && !name.AsSpan().ContainsAnyExcept(NameCharacters);

    /// <summary>Checks a name.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidName"/>.</exception>
    public static void CheckName(string name)
    {
        if (!IsName(name))
        {
            throw new MoorchehException(
                ErrorCodes.InvalidName,
                $"Namespace name '{name}' is not valid: use 1 to 128 of A-Z, a-z, 0-9, '_' and '-', starting with a letter or digit.");
        }
    }

    /// <summary>Checks kind and dimension of a new namespace.</summary>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.InvalidType"/>, <see cref="ErrorCodes.MissingField"/> or <see cref="ErrorCodes.InvalidDimension"/>.
    /// </exception>
    public static void CheckDimension(NamespaceKind kind, int? dimension)
    {
        if (kind is not (NamespaceKind.Text or NamespaceKind.Vector))
        {
            throw new MoorchehException(ErrorCodes.InvalidType, $"Field 'type' must be 'text' or 'vector', not '{(int)kind}'.");
        }

        if (kind == NamespaceKind.Text && dimension is not null)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidDimension, "Field 'vector_dimension' must not be sent for text namespaces.");
        }

        if (kind == NamespaceKind.Vector && dimension is null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, "Field 'vector_dimension' is required for vector namespaces.");
        }

        if (kind == NamespaceKind.Vector && dimension is < 1 or > MaxDimension)
        {
            throw new MoorchehException(
                ErrorCodes.InvalidDimension,
                $"Field 'vector_dimension' must be an integer from 1 to {MaxDimension}, not {dimension}.");
        }
    }
}
