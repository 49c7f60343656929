using System.Diagnostics;
using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Transfers;

/// <summary>
/// The sidecar as a process: what many clients that send or read little can make it hold, and how it stops with them. The numbers: 40 answers of 6 MB
/// and 40 bodies of nearly 4 MB are 400 MB, against a budget of 8 MiB and half a MiB for each connection (docs/http.md).
/// </summary>
[CancelAfter(120_000)]
[Platform("Linux", Reason = "Reads peak memory from /proc.")]
public class TransferProcessTests
{
    private const int Clients = 40;
    private const int BudgetBytes = 8 << 20;
    private const int BodyBytes = 4 << 20;
    private const int ConnectionBytes = 512 << 10;

    // The collector of a server lets garbage lie until it has so much of it.
    private const int CollectorBytes = 64 << 20;

    private static readonly string[] Options =
    [
        "--embedding-provider", "none", "--max-bytes-in-flight", $"{BudgetBytes}", "--max-body-bytes", $"{BodyBytes}", "--shutdown-seconds", "20",
    ];

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void CreateDirectory() => _directory = new TemporaryDirectory();

    [TearDown]
    public void DeleteDirectory() => _directory.Dispose();

    [TestCase("items")]
    [TestCase("search")]
    [TestCase("bodies")]
    public async Task ClientsThatStandStill_MemoryStaysWithinTheBudget(string kind, CancellationToken cancellationToken)
    {
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path, Options);
        await FillAsync(sidecar.Api);
        string[] ids = [.. Enumerable.Range(0, 100).Select(i => $"v{i}")];
        await AskAsync(sidecar, kind, ids, clients: 2, cancellationToken); // What the first of a kind loads and compiles is not meant.
        long before = sidecar.PeakMemoryKiB;

        await AskAsync(sidecar, kind, ids, Clients, cancellationToken);

        long grown = (sidecar.PeakMemoryKiB - before) << 10;
        TestContext.Out.WriteLine($"{kind}: {before} KiB before, {grown >> 10} KiB more");
        Assert.That(grown, Is.LessThan(BudgetBytes + (Clients * ConnectionBytes) + CollectorBytes));
        (await sidecar.Api.GetAsync("/health")).AssertStatus(200);
        ApiAnswer whole = (await sidecar.Api.PostAsync("/namespaces/emb/items/get", new { ids })).AssertStatus(200);
        Assert.That(whole["items"].GetArrayLength(), Is.EqualTo(100));
    }

    [Test]
    public async Task Stop_SlowBodiesAndClientsThatDoNotRead_EndsInItsTime(CancellationToken cancellationToken)
    {
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path, Options);
        await FillAsync(sidecar.Api);
        using RawClient body = await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!);
        using RawClient drip = await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!);
        using RawClient head = await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!);
        using RawClient deaf = await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!, receiveBytes: 4096);
        await body.PostAsync("/search", "{", 1000);
        await drip.PostAsync("/search", "{", 1_000_000);
        await head.SendAsync("GET /health HTTP/1.1\r\nHost:");
        await deaf.PostAsync("/namespaces/emb/items/get", JsonSerializer.Serialize(new { ids = Enumerable.Range(0, 100).Select(i => $"v{i}") }));
        await deaf.ReadUntilAsync("\r\n\r\n", cancellationToken);
        Task dripping = DripAsync(drip, cancellationToken);
        long start = Stopwatch.GetTimestamp();

        int exitCode = await sidecar.StopAsync();

        // Not speed but the promise: the time for jobs, which have nothing to do here, is not spent on clients.
        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(20)));
        Assert.That(exitCode, Is.Zero, sidecar.Output);
        Assert.That(sidecar.Output, Does.Contain("Closed").And.Contain("Stopped"));
        Assert.That(await body.ReadUntilAsync("shutting-down", cancellationToken), Does.StartWith("HTTP/1.1 503 ").And.Contain("shutting-down"));
        await dripping;
    }

    [Test]
    public async Task Connections_BeyondTheLimit_AreClosed(CancellationToken cancellationToken)
    {
        await using SidecarProcess sidecar = await SidecarProcess.StartAsync(_directory.Path, [.. Options, "--max-connections", "3"]);
        List<RawClient> open = [];
        for (int i = 0; i < 3; i++)
        {
            open.Add(await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!));
            await open[i].SendAsync("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
            await open[i].ReadUntilAsync("ok", cancellationToken);
        }

        using (RawClient refused = await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!))
        {
            byte[] one = new byte[1];
            Assert.That(async () => await refused.Stream.ReadAsync(one, cancellationToken) == 0 ? throw new IOException("closed") : true, Throws.InstanceOf<IOException>());
        }

        open.ForEach(client => client.Dispose());
    }

    private static async Task FillAsync(ApiClient api)
    {
        await api.CreateAsync("emb", 2);
        string pad = new('m', 60_000);
        for (int batch = 0; batch < 100; batch += 50)
        {
            await api.FinishAsync(await api.PostAsync("/namespaces/emb/vectors", new { vectors = Enumerable.Range(batch, 50).Select(i => new { id = $"v{i}", vector = new[] { 1, i }, pad }) }));
        }
    }

    /// <summary>Has clients begin, waits until each has its answer's beginning or has sent what it sends, and lets them go.</summary>
    private static async Task AskAsync(SidecarProcess sidecar, string kind, string[] ids, int clients, CancellationToken cancellationToken)
    {
        List<RawClient> idle = [];
        try
        {
            for (int i = 0; i < clients; i++)
            {
                RawClient client = await RawClient.ConnectAsync(sidecar.Api.Http.BaseAddress!, receiveBytes: 4096);
                idle.Add(client);
                switch (kind)
                {
                    case "items":
                        await client.PostAsync("/namespaces/emb/items/get", JsonSerializer.Serialize(new { ids }));
                        await client.ReadUntilAsync("\r\n\r\n", cancellationToken);
                        break;
                    case "search":
                        await client.PostAsync("/search", """{"query":[1,2],"namespaces":["emb"],"top_k":100}""");
                        await client.ReadUntilAsync("\r\n\r\n", cancellationToken);
                        break;
                    default:
                        await client.PostAsync("/namespaces/emb/vectors", new string(' ', BodyBytes - 1000), BodyBytes);
                        break;
                }
            }

            (await sidecar.Api.GetAsync("/health")).AssertStatus(200);
        }
        finally
        {
            idle.ForEach(client => client.Reset());
        }
    }

    private static async Task DripAsync(RawClient client, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await client.SendAsync(new string(' ', 200));
                await Task.Delay(250, cancellationToken);
            }
        }
        catch (IOException)
        {
            // The server has closed.
        }
    }
}
