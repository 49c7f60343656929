using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>One server for all tests of a fixture; every test works in namespaces of its own.</summary>
[CancelAfter(60_000)]
public abstract class ServerFixture
{
    private int _names;

    private protected TestServer Server { get; private set; } = null!;

    private protected ApiClient Api => Server.Api;

    [OneTimeSetUp]
    public async Task StartServerAsync() => Server = await StartAsync();

    [OneTimeTearDown]
    public async Task StopServerAsync() => await Server.DisposeAsync();

    private protected virtual Task<TestServer> StartAsync() => TestServer.StartAsync();

    /// <summary>Creates a namespace with a name no other test has: of vectors when a dimension is given, otherwise of texts.</summary>
    private protected async Task<string> NewNamespaceAsync(int? dimension = null)
    {
        string name = $"ns-{Interlocked.Increment(ref _names)}";
        await Api.CreateAsync(name, dimension);
        return name;
    }

    private protected async Task<long> CountItemsAsync() => (await Api.GetAsync("/health")).Number("items");

    private protected async Task<int> CountJobsAsync(string namespaceName) =>
        (await Api.GetAsync($"/jobs?namespace={namespaceName}"))["jobs"].GetArrayLength();
}
