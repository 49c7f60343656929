using System.Net;
using System.Net.Sockets;
using Moorcheh.Artifacts;
using Moorcheh.Documents.Uris;

namespace Moorcheh.Documents;

/// <summary>
/// Fetches documents from allowed hosts. The address that is connected to is the one that was checked; redirects are followed one by one, each
/// checked like the first address. No proxy, no cookies, no credentials.
/// </summary>
public sealed class UriFetcher : IUriReader, IDisposable
{
    // The specification of the artifacts API gives a fetch this long.
    private const int FetchSeconds = 30;

    private const int MaxRedirects = 5;

    private readonly UriAllowList _allowed;
    private readonly int _maxBytes;
    private readonly TimeSpan _patience;
    private readonly HttpClient _http;

    /// <summary>Makes a fetcher that gives each document 30 seconds, redirects included.</summary>
    /// <param name="allowedHosts">Hosts it may fetch from, as in <see cref="MoorchehDocumentsOptions.UriAllowedHosts"/>.</param>
    /// <param name="maxBytes">Most bytes of a document.</param>
    /// <exception cref="ArgumentException">An entry of <paramref name="allowedHosts"/> cannot be read; the message names it.</exception>
    public UriFetcher(IEnumerable<string> allowedHosts, int maxBytes = MoorchehDocumentsOptions.DefaultMaxIngestBytes)
        : this(new UriAllowList(allowedHosts), maxBytes, TimeSpan.FromSeconds(FetchSeconds))
    {
    }

    /// <summary>Makes a fetcher.</summary>
    /// <param name="allowed">Where it may fetch from.</param>
    /// <param name="maxBytes">Most bytes of a document.</param>
    /// <param name="patience">How long fetching one may take, redirects included.</param>
    /// <param name="resolve">Finds the addresses of a host; null for DNS.</param>
    internal UriFetcher(UriAllowList allowed, int maxBytes, TimeSpan patience, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        _allowed = allowed;
        _maxBytes = maxBytes;
        _patience = patience;
        resolve ??= (host, token) => Dns.GetHostAddressesAsync(host, token);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            Credentials = null,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionLifetime = TimeSpan.Zero, // A pooled connection would outlive the check of its address.
            ConnectCallback = (context, token) => ConnectAsync(context.InitialRequestMessage.RequestUri!, context.DnsEndPoint, resolve, token),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <inheritdoc/>
    public bool Allows(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.Scheme is "http" or "https" && _allowed.Allows(address);
    }

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(Uri address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_patience);
        try
        {
            for (int redirects = 0; redirects <= MaxRedirects; redirects++)
            {
                if (!Allows(address))
                {
                    break;
                }

                using HttpResponseMessage response = await _http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                if (response.IsSuccessStatusCode)
                {
                    return await ReadAsync(response.Content, limit.Token);
                }

                if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } next)
                {
                    break;
                }

                address = new Uri(address, next);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or UriFormatException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            throw NotAccessible(e);
        }

        throw NotAccessible(null);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static MoorchehException NotAccessible(Exception? cause) => new(ErrorCodes.UriNotAccessible, "The URI resource could not be accessed", cause);

    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > _maxBytes)
        {
            throw InvalidFile.Create(InvalidFile.Size);
        }

        using Stream stream = await content.ReadAsStreamAsync(cancellationToken);
        var bytes = new MemoryStream((int)(content.Headers.ContentLength ?? 0));
        byte[] buffer = new byte[64 << 10];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (bytes.Length + read > _maxBytes)
            {
                throw InvalidFile.Create(InvalidFile.Size);
            }

            bytes.Write(buffer, 0, read);
        }

        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }

    private async ValueTask<Stream> ConnectAsync(
        Uri address, DnsEndPoint endpoint, Func<string, CancellationToken, Task<IPAddress[]>> resolve, CancellationToken cancellationToken)
    {
        IPAddress[] found = IPAddress.TryParse(endpoint.Host, out IPAddress? literal) ? [literal] : await resolve(endpoint.Host, cancellationToken);

        // One address inside is enough: whoever answers for the name may answer differently next time.
        if (found.Length == 0 || (!_allowed.AllowsPrivate(address) && !found.All(PublicAddress.IsPublic)))
        {
            throw new HttpRequestException($"The addresses of '{endpoint.Host}' are not public.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(found, endpoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
