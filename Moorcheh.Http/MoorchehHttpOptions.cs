using Moorcheh.Http.Transfers;

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

    /// <summary>Default of <see cref="MaxContentArtifacts"/>.</summary>
    public const int DefaultMaxContentArtifacts = 20;

    /// <summary>Default of <see cref="MaxContentBytes"/>: 50 MiB.</summary>
    public const int DefaultMaxContentBytes = 50 << 20;

    /// <summary>
    /// What the whole <c>Authorization</c> header of a request to the artifacts API must be. Empty (default): the keys of
    /// <see cref="ApiKeys"/> as <c>Bearer</c>, and without those nothing.
    /// </summary>
    public string ArtifactsSecret { get; set; } = "";

    /// <summary>Most artifacts of one request for content, 1 or more. Default <see cref="DefaultMaxContentArtifacts"/>.</summary>
    public int MaxContentArtifacts { get; set; } = DefaultMaxContentArtifacts;

    /// <summary>Most bytes of an answer with content, 1 to <see cref="GreatestMaxBodyBytes"/>. Default <see cref="DefaultMaxContentBytes"/>.</summary>
    public int MaxContentBytes { get; set; } = DefaultMaxContentBytes;

    /// <summary>Default of <see cref="MaxBytesInFlight"/>: 256 MiB.</summary>
    public const long DefaultMaxBytesInFlight = 256L << 20;

    /// <summary>Greatest <see cref="MaxBytesInFlight"/>: 1 TiB.</summary>
    public const long GreatestMaxBytesInFlight = 1L << 40;

    /// <summary>Default of <see cref="MinBodyBytesPerSecond"/>.</summary>
    public const int DefaultMinBodyBytesPerSecond = 100;

    /// <summary>Default of <see cref="MinAnswerBytesPerSecond"/>.</summary>
    public const int DefaultMinAnswerBytesPerSecond = 1000;

    /// <summary>Greatest <see cref="MinBodyBytesPerSecond"/> and <see cref="MinAnswerBytesPerSecond"/>: 1 MiB.</summary>
    public const int GreatestMinBytesPerSecond = 1 << 20;

    /// <summary>Default of <see cref="TransferGraceSeconds"/>.</summary>
    public const int DefaultTransferGraceSeconds = 30;

    /// <summary>Greatest <see cref="TransferGraceSeconds"/>: an hour.</summary>
    public const int GreatestTransferGraceSeconds = 3600;

    /// <summary>
    /// Most bytes that bodies and answers under way hold together, twice <see cref="MaxBodyBytes"/> to <see cref="GreatestMaxBytesInFlight"/>; what would
    /// hold more is answered with 503. The first 64 KiB of each request are not counted. Default <see cref="DefaultMaxBytesInFlight"/>.
    /// </summary>
    public long MaxBytesInFlight { get; set; } = DefaultMaxBytesInFlight;

    /// <summary>
    /// Least bytes/s at which a request body must arrive, 0 (none) to <see cref="GreatestMinBytesPerSecond"/>; a slower one is answered with 408. A client
    /// may be silent for <see cref="TransferGraceSeconds"/>. Default <see cref="DefaultMinBodyBytesPerSecond"/>.
    /// </summary>
    public int MinBodyBytesPerSecond { get; set; } = DefaultMinBodyBytesPerSecond;

    /// <summary>
    /// Least bytes/s at which the pieces of a long answer must be taken, 0 (none) to <see cref="GreatestMinBytesPerSecond"/>, after
    /// <see cref="TransferGraceSeconds"/>; the connection to a slower client ends. Default <see cref="DefaultMinAnswerBytesPerSecond"/>.
    /// </summary>
    public int MinAnswerBytesPerSecond { get; set; } = DefaultMinAnswerBytesPerSecond;

    /// <summary>
    /// Seconds that a body or an answer may stand still before the least rates count, 1 to <see cref="GreatestTransferGraceSeconds"/>. Default
    /// <see cref="DefaultTransferGraceSeconds"/>.
    /// </summary>
    public int TransferGraceSeconds { get; set; } = DefaultTransferGraceSeconds;

    /// <summary>Shared by all routes that are mapped with these settings; what the settings are then counts.</summary>
    internal TransferLimits Transfers => field ??= new TransferLimits(this);

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it, its value and the rule.</exception>
    public void Validate()
    {
        CheckBytes(nameof(MaxBodyBytes), MaxBodyBytes);
        CheckBytes(nameof(MaxContentBytes), MaxContentBytes);
        if (MaxContentArtifacts < 1)
        {
            throw new ArgumentException($"Option '{nameof(MaxContentArtifacts)}' is {MaxContentArtifacts}; it must be 1 or more.");
        }

        long leastInFlight = 2L * MaxBodyBytes;
        if (MaxBytesInFlight < leastInFlight || MaxBytesInFlight > GreatestMaxBytesInFlight)
        {
            throw new ArgumentException(
                $"Option '{nameof(MaxBytesInFlight)}' is {MaxBytesInFlight}; it must be from {leastInFlight}, twice '{nameof(MaxBodyBytes)}', to {GreatestMaxBytesInFlight}.");
        }

        CheckRange(nameof(MinBodyBytesPerSecond), MinBodyBytesPerSecond, 0, GreatestMinBytesPerSecond);
        CheckRange(nameof(MinAnswerBytesPerSecond), MinAnswerBytesPerSecond, 0, GreatestMinBytesPerSecond);
        CheckRange(nameof(TransferGraceSeconds), TransferGraceSeconds, 1, GreatestTransferGraceSeconds);
        if (ArtifactsSecret.Any(c => c is < ' ' or > '~'))
        {
            throw new ArgumentException($"Option '{nameof(ArtifactsSecret)}' has characters other than printable ASCII.");
        }

        // The keys themselves never go into a message.
        if (ApiKeys.Any(key => string.IsNullOrWhiteSpace(key) || key.Any(c => c is <= ' ' or > '~')))
        {
            throw new ArgumentException($"Option '{nameof(ApiKeys)}' holds a key that is empty or has characters other than printable ASCII.");
        }
    }

    private static void CheckBytes(string option, int value) => CheckRange(option, value, 1, GreatestMaxBodyBytes);

    private static void CheckRange(string option, int value, int least, int greatest)
    {
        if (value < least || value > greatest)
        {
            throw new ArgumentException($"Option '{option}' is {value}; it must be from {least} to {greatest}.");
        }
    }
}
