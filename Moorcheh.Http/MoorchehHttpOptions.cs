namespace Moorcheh.Http;

/// <summary>Settings of the REST adapter, read once by <see cref="MoorchehEndpointRouteBuilderExtensions.MapMoorcheh"/>.</summary>
public sealed class MoorchehHttpOptions
{
    /// <summary>Default of <see cref="MaxBodyBytes"/>: 64 MiB.</summary>
    public const int DefaultMaxBodyBytes = 64 << 20;

    /// <summary>Greatest <see cref="MaxBodyBytes"/>: 1 GiB.</summary>
    public const int GreatestMaxBodyBytes = 1 << 30;

    /// <summary>Most bytes of a request body, 1 to <see cref="GreatestMaxBodyBytes"/>. Default <see cref="DefaultMaxBodyBytes"/>.</summary>
    public int MaxBodyBytes { get; set; } = DefaultMaxBodyBytes;

    /// <summary>
    /// Keys of which every request needs one, as <c>x-api-key</c> or <c>Authorization: Bearer</c>, except <c>/livez</c> and
    /// <c>/readyz</c>. Default empty: no key is asked for.
    /// </summary>
    public IList<string> ApiKeys { get; set; } = [];

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it, its value and the rule.</exception>
    public void Validate()
    {
        if (MaxBodyBytes is < 1 or > GreatestMaxBodyBytes)
        {
            throw new ArgumentException($"Option '{nameof(MaxBodyBytes)}' is {MaxBodyBytes}; it must be from 1 to {GreatestMaxBodyBytes}.");
        }

        // The keys themselves never go into a message.
        if (ApiKeys.Any(key => string.IsNullOrWhiteSpace(key) || key.Any(c => c is <= ' ' or > '~')))
        {
            throw new ArgumentException($"Option '{nameof(ApiKeys)}' holds a key that is empty or has characters other than printable ASCII.");
        }
    }
}
