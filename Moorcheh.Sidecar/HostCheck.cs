using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Moorcheh.Http;

namespace Moorcheh.Sidecar;

/// <summary>
/// Serves requests to names of this machine only. A web page may let its own name lead to 127.0.0.1 (DNS rebinding) and is then, for the browser,
/// of the same origin as a server there: CORS does not stop it, and without keys nothing else would. The browser still says which name it meant.
/// </summary>
internal sealed class HostCheck(IEnumerable<string> allowed)
{
    /// <summary>What is served whatever is allowed besides.</summary>
    public const string Served = "localhost, *.localhost, 127.0.0.0/8, [::1] and the hosts of the setting AllowedHosts";

    private const string LocalHost = "localhost";
    private const string AnyHost = "*";
    private const string SuffixStart = "*.";

    private readonly StringSegment[] _allowed = [.. allowed.Select(entry => new StringSegment(new HostString(entry).ToUriComponent()))];

    /// <summary>Checks the option <c>AllowedHosts</c>.</summary>
    /// <exception cref="SettingsException">An entry is neither a host nor <c>*.suffix</c> nor <c>*</c>.</exception>
    public static void Check(IEnumerable<string> allowed)
    {
        foreach (string entry in allowed)
        {
            string host = entry.StartsWith(SuffixStart, StringComparison.Ordinal) ? entry[SuffixStart.Length..] : entry;
            if (entry != AnyHost && (Uri.CheckHostName(host) == UriHostNameType.Unknown || (host.Contains(':') && host[0] != '[') || !IsName(host)))
            {
                throw new SettingsException($"Option 'AllowedHosts' has '{entry}'; it must hold hosts without a port, IPv6 addresses in brackets, '*.suffix', or '*' for all.");
            }
        }
    }

    /// <summary>The host that a request means; empty when it names none, which no browser does.</summary>
    public static string HostOf(HttpContext http)
    {
        // As it was sent: HttpRequest.Host turns punycode into letters, and throws when there is none behind it.
        string sent = http.Request.Headers.Host.ToString();
        if (sent.Length > 0)
        {
            return new HostString(sent).Host;
        }

        // HTTP/1.0 needs no Host. A target that is a whole address names one all the same.
        string target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return !target.StartsWith('/') && Uri.TryCreate(target, UriKind.Absolute, out Uri? address) ? address.Host : "";
    }

    /// <summary>True when a host, without its port, is served.</summary>
    public bool Allows(string host)
    {
        string name = host.EndsWith('.') ? host[..^1] : host; // The same name, said to be complete.
        return host.Length == 0
            || name.Equals(LocalHost, StringComparison.OrdinalIgnoreCase)
            || name.EndsWith($".{LocalHost}", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out IPAddress? address) && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
            || HostString.MatchesAny(name, _allowed);
    }

    /// <summary>Lets a request pass, or answers it with 421.</summary>
    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        string host = HostOf(http);
        return Allows(host)
            ? next(http)
            : http.RequestServices.GetRequiredService<SidecarDialect>().Answer(UnknownHost(host), http.Request.Path).ExecuteAsync(http);
    }

    private static MoorchehException UnknownHost(string host) =>
        new(HttpErrorCodes.UnknownHost, $"Host '{host}' is not served here.") { Facts = new Dictionary<string, object> { ["Served"] = Served } };

    private static bool IsName(string host)
    {
        try
        {
            return new HostString(host).ToUriComponent().Length > 0;
        }
        catch (ArgumentException)
        {
            return false; // No name of letters beyond ASCII that DNS can have.
        }
    }
}
