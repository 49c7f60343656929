using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Moorcheh.Documents;
using Moorcheh.Documents.Uris;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Documents;

/// <summary>Which addresses are fetched. The server is real; where its name leads is for the test to say.</summary>
[CancelAfter(60_000)]
internal sealed class UriFetcherTests
{
    private WebApplication _server = null!;
    private int _port;
    private int _requests;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.Use((context, next) =>
        {
            Interlocked.Increment(ref _requests);
            return next(context);
        });
        _server.MapGet("/hello.txt", () => "Hello");
        _server.MapGet("/redirect/{*to}", (string to) => Results.Redirect(to));
        _server.MapGet("/hops/{left:int}", (int left) => Results.Redirect(left == 0 ? "/hello.txt" : $"/hops/{left - 1}"));
        _server.MapGet("/endless", async (HttpContext http) =>
        {
            byte[] part = new byte[64 << 10];
            while (true)
            {
                await http.Response.Body.WriteAsync(part, http.RequestAborted);
            }
        });
        _server.MapGet("/silent", (HttpContext http) => Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));
        await _server.StartAsync();
        _port = new Uri(_server.Urls.Single()).Port;
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }

    /// <summary>A fetcher that may fetch from these hosts, on the port of the server.</summary>
    private UriFetcher Fetcher(string[] allowed, string[] addresses, int maxBytes = 1 << 20, double seconds = 30) =>
        FetcherOf([.. allowed.Select(entry => entry.Replace(".example", $".example:{_port}", StringComparison.Ordinal))], addresses, maxBytes, seconds);

    private static UriFetcher FetcherOf(string[] entries, string[] addresses, int maxBytes = 1 << 20, double seconds = 30) =>
        new(new UriAllowList(entries), maxBytes, TimeSpan.FromSeconds(seconds), (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()));

    private static async Task AssertRefusedAsync(UriFetcher fetcher, string uri) =>
        await TestStore.RefusedAsync(() => fetcher.ReadAsync(new Uri(uri), TestStore.Token), ErrorCodes.UriNotAccessible, "The URI resource could not be accessed");

    [Test]
    public async Task Read_ListedHostWithAnInnerAddress_IsNotConnectedTo(
        [Values("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1", "fd00::1")] string address)
    {
        int before = _requests;
        using UriFetcher fetcher = Fetcher(["documents.example"], [address]);
        await AssertRefusedAsync(fetcher, $"http://documents.example:{_port}/hello.txt");
        Assert.That(_requests, Is.EqualTo(before));
    }

    [Test]
    public async Task Read_OneInnerAddressAmongOthers_IsNotConnectedTo()
    {
        using UriFetcher fetcher = Fetcher(["documents.example"], ["93.184.216.34", "127.0.0.1"]);
        await AssertRefusedAsync(fetcher, $"http://documents.example:{_port}/hello.txt");
    }

    [Test]
    public async Task Read_AllowPrivate_IsFetched()
    {
        using UriFetcher fetcher = Fetcher(["documents.example allow-private"], ["127.0.0.1"]);
        Assert.That(Encoding.UTF8.GetString((await fetcher.ReadAsync(new Uri($"http://documents.example:{_port}/hello.txt"), TestStore.Token)).Span), Is.EqualTo("Hello"));
    }

    [Test]
    public async Task Read_EntryWithoutPort_NoOtherPortIsConnectedTo()
    {
        int before = _requests;
        using UriFetcher fetcher = FetcherOf(["documents.example allow-private"], ["127.0.0.1"]);
        await AssertRefusedAsync(fetcher, $"http://documents.example:{_port}/hello.txt");
        Assert.That(_requests, Is.EqualTo(before));
    }

    [TestCase("http://other.example:{0}/hello.txt")]
    [TestCase("http://public.example:{0}/hello.txt")]
    [TestCase("file:///etc/passwd")]
    [TestCase("http://127.0.0.1:{0}/hello.txt")]
    public async Task Read_RedirectElsewhere_IsCheckedAgain(string target)
    {
        int before = _requests;
        using UriFetcher fetcher = Fetcher(["documents.example allow-private", "public.example"], ["127.0.0.1"]);
        await AssertRefusedAsync(fetcher, $"http://documents.example:{_port}/redirect/{string.Format(System.Globalization.CultureInfo.InvariantCulture, target, _port)}");
        Assert.That(_requests, Is.EqualTo(before + 1));
    }

    [TestCase(4, true)]
    [TestCase(5, false)]
    public async Task Read_Redirects_FiveAtMost(int hops, bool isFetched)
    {
        // The last of the hops leads to the document: one redirect more than the number.
        using UriFetcher fetcher = Fetcher(["documents.example allow-private"], ["127.0.0.1"]);
        string uri = $"http://documents.example:{_port}/hops/{hops}";
        if (isFetched)
        {
            Assert.That((await fetcher.ReadAsync(new Uri(uri), TestStore.Token)).Length, Is.EqualTo(5));
        }
        else
        {
            await AssertRefusedAsync(fetcher, uri);
        }
    }

    [Test]
    public async Task Read_EndlessDocument_StopsAtTheLimit()
    {
        using UriFetcher fetcher = Fetcher(["documents.example allow-private"], ["127.0.0.1"], maxBytes: 1 << 20);
        await TestStore.RefusedAsync(
            () => fetcher.ReadAsync(new Uri($"http://documents.example:{_port}/endless"), TestStore.Token),
            ErrorCodes.InvalidFile,
            "InvalidFileError(errors=['zpgt.ingest.invalid_file_size.error'], warnings=[])");
    }

    [Test]
    public async Task Read_SilentServer_GivesUp()
    {
        using UriFetcher fetcher = Fetcher(["documents.example allow-private"], ["127.0.0.1"], seconds: 0.2);
        await AssertRefusedAsync(fetcher, $"http://documents.example:{_port}/silent");
    }

    [Test]
    public void Read_Cancelled_IsCancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        using UriFetcher fetcher = Fetcher(["documents.example allow-private"], ["127.0.0.1"]);
        Assert.That(
            async () => await fetcher.ReadAsync(new Uri($"http://documents.example:{_port}/silent"), cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase("8.8.8.8", true)]
    [TestCase("2606:4700:4700::1111", true)]
    [TestCase("0.0.0.0", false)]
    [TestCase("10.255.255.255", false)]
    [TestCase("100.64.0.1", false)]
    [TestCase("127.1.2.3", false)]
    [TestCase("169.254.169.254", false)]
    [TestCase("172.16.0.1", false)]
    [TestCase("172.32.0.1", true)]
    [TestCase("192.168.1.1", false)]
    [TestCase("224.0.0.1", false)]
    [TestCase("255.255.255.255", false)]
    [TestCase("::", false)]
    [TestCase("::1", false)]
    [TestCase("::ffff:10.0.0.1", false)]
    [TestCase("64:ff9b::a00:1", false)]
    [TestCase("2002:7f00:1::", false)]
    [TestCase("2001::1", false)]
    [TestCase("fc00::1", false)]
    [TestCase("fe80::1", false)]
    [TestCase("ff02::1", false)]
    public void IsPublic_TellsAddressesApart(string address, bool isPublic) => Assert.That(PublicAddress.IsPublic(IPAddress.Parse(address)), Is.EqualTo(isPublic));

    [TestCase("example.com", "http://example.com/x", true)]
    [TestCase("example.com", "https://EXAMPLE.com/x", true)]
    [TestCase("example.com", "http://example.com:80/x", true)]
    [TestCase("example.com", "http://EXAMPLE.com:8080/x", false)]
    [TestCase("example.com", "https://example.com:80/x", false)]
    [TestCase("*.example.com", "http://a.example.com:22/x", false)]
    [TestCase("example.com:443", "https://example.com/x", true)]
    [TestCase("example.com", "http://a.example.com/x", false)]
    [TestCase("example.com", "http://example.com.evil.org/x", false)]
    [TestCase("example.com", "http://example.com@evil.org/x", false)]
    [TestCase("example.com:8080", "http://example.com:8080/x", true)]
    [TestCase("example.com:8080", "http://example.com/x", false)]
    [TestCase("*.example.com", "https://a.b.example.com/x", true)]
    [TestCase("*.example.com", "https://example.com/x", false)]
    [TestCase("*.example.com", "https://notexample.com/x", false)]
    [TestCase("[::1]:80", "http://[::1]/x", true)]
    [TestCase("127.0.0.1", "http://2130706433/x", true)]
    public void AllowList_Entry_MatchesExactly(string entry, string uri, bool isAllowed) => Assert.That(new UriAllowList([entry]).Allows(new Uri(uri)), Is.EqualTo(isAllowed));

    [TestCase("")]
    [TestCase("a b c")]
    [TestCase("example.com public")]
    [TestCase("example.com:0")]
    [TestCase("example.com:x")]
    [TestCase("http://example.com")]
    [TestCase("*")]
    public void AllowList_UnreadableEntry_IsNamed(string entry) =>
        Assert.That(() => UriAllowList.Check([entry]), Throws.ArgumentException.With.Message.StartsWith($"Option 'UriAllowedHosts' holds '{entry}'; "));
}
