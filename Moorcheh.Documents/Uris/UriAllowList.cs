namespace Moorcheh.Documents.Uris;

/// <summary>
/// The hosts that ingests may be fetched from: <c>host</c>, <c>*.suffix</c> (not the suffix itself), each with an optional <c>:port</c> (without
/// one: 80 of http, 443 of https) and, behind a blank, <c>allow-private</c> for hosts with loopback, private or link-local addresses.
/// </summary>
internal sealed class UriAllowList(IEnumerable<string> entries)
{
    private const string PrivateMark = "allow-private";

    private readonly Entry[] _entries = [.. entries.Select(Parse)];

    /// <summary>True when an address may be fetched.</summary>
    public bool Allows(Uri uri) => _entries.Any(entry => entry.Matches(uri));

    /// <summary>True when it may be fetched whatever network it is in.</summary>
    public bool AllowsPrivate(Uri uri) => _entries.Any(entry => entry.IsPrivate && entry.Matches(uri));

    /// <summary>Throws for an entry that cannot be read.</summary>
    /// <exception cref="ArgumentException">The message names the entry.</exception>
    public static void Check(IEnumerable<string> entries)
    {
        foreach (string entry in entries)
        {
            Parse(entry);
        }
    }

    private static Entry Parse(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string host = words.Length > 0 ? words[0] : "";
        int port = 0;
        int colon = host.LastIndexOf(':');
        bool hasPort = colon > 0 && colon > host.LastIndexOf(']') && (host[0] == '[' || host.IndexOf(':', StringComparison.Ordinal) == colon);
        bool isRead = words.Length == 1 || (words.Length == 2 && words[1] == PrivateMark);
        if (hasPort)
        {
            isRead &= int.TryParse(host.AsSpan(colon + 1), out port) && port is > 0 and <= 65535;
            host = host[..colon];
        }

        bool isSuffix = host.StartsWith("*.", StringComparison.Ordinal);
        host = host.Trim('[', ']');
        string name = isSuffix ? host[2..] : host;
        if (!isRead || Uri.CheckHostName(name) == UriHostNameType.Unknown)
        {
            throw new ArgumentException(
                $"Option '{nameof(MoorchehDocumentsOptions.UriAllowedHosts)}' holds '{text}'; an entry is a host or *.suffix, "
                    + $":port if wanted, and '{PrivateMark}' behind a blank if wanted.");
        }

        return new Entry(isSuffix ? host[1..] : host, isSuffix, port, words.Length == 2);
    }

    private sealed record Entry(string Host, bool IsSuffix, int Port, bool IsPrivate)
    {
        public bool Matches(Uri uri)
        {
            string host = uri.IdnHost.Trim('[', ']');
            return (Port == 0 ? uri.IsDefaultPort : Port == uri.Port)
                && (IsSuffix ? host.EndsWith(Host, StringComparison.OrdinalIgnoreCase) : host.Equals(Host, StringComparison.OrdinalIgnoreCase));
        }
    }
}
