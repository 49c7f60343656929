using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Store;

[CancelAfter(60_000)]
internal sealed class DependencyInjectionTests
{
    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task Host_Started_HasAnOpenStoreAndClosesIt()
    {
        var clock = new ManualTimeProvider();
        MoorchehStore store;
        using (IHost host = Build(options => options.Store.Limits.MaxItems = 7, clock))
        {
            await host.StartAsync(Token);
            store = host.Services.GetRequiredService<MoorchehStore>();
            Assert.That(host.Services.GetRequiredService<MoorchehHostedStore>().Current, Is.SameAs(store));
            Assert.That(store.Options.Limits.MaxItems, Is.EqualTo(7));
            NamespaceInfo info = await store.CreateNamespaceAsync("docs", NamespaceKind.Text, cancellationToken: Token);
            Assert.That(info.CreatedAt, Is.EqualTo(clock.GetUtcNow()), "The clock of the container is used.");
            await RefusedAsync(() => OpenAsync(_directory), "directory-locked");
            await host.StopAsync(Token);
        }

        await RefusedAsync(() => store.CreateNamespaceAsync("more", NamespaceKind.Text), "shutting-down");
        await using MoorchehStore again = await OpenAsync(_directory);
        Assert.That(again.ListNamespaces(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Host_DisposedWithoutStopping_ClosesTheStore()
    {
        using (IHost host = Build(_ => { }))
        {
            await host.StartAsync(Token);
        }

        await using MoorchehStore again = await OpenAsync(_directory);
    }

    [Test]
    public async Task Host_WithAnEmbeddingGenerator_TakesItUnlessTheOptionsSayOtherwise()
    {
        var registered = new TestEmbedder(4);
        var own = new TestEmbedder(4);
        foreach ((Action<MoorchehHostOptions> configure, TestEmbedder? expected) in new (Action<MoorchehHostOptions>, TestEmbedder?)[]
        {
            (_ => { }, registered),
            (options => options.Store.Embedding.Generator = own, own),
            (options => options.Store.Embedding.Generator = null, null),
        })
        {
            using IHost host = Build(configure, embedder: registered);
            await host.StartAsync(Token);
            Assert.That(host.Services.GetRequiredService<MoorchehStore>().Options.Embedding.Generator, Is.SameAs(expected));
            await host.StopAsync(Token);
        }
    }

    [Test]
    public void Host_BadOption_DoesNotStart()
    {
        using IHost host = Build(options => options.Store.Jobs.Workers = 0);
        Assert.That(
            async () => await host.StartAsync(Token),
            Throws.InstanceOf<OptionsValidationException>().With.Message.EqualTo("Option 'Jobs.Workers' is 0; it must be from 1 to 64."));
    }

    [Test]
    public void Host_NoDirectory_DoesNotStart()
    {
        using IHost host = Build(options => options.DataDirectory = " ");
        Assert.That(async () => await host.StartAsync(Token), Throws.InstanceOf<OptionsValidationException>());
    }

    [Test]
    public async Task Host_DirectoryLocked_DoesNotStart()
    {
        await using MoorchehStore store = await OpenAsync(_directory);
        using IHost host = Build(_ => { });
        await RefusedAsync(() => host.StartAsync(Token), "directory-locked");
    }

    [Test]
    public async Task Host_OpensInBackground_TheStoreComesLater()
    {
        using IHost host = Build(options => options.OpenInBackground = true);
        await host.StartAsync(Token);
        MoorchehStore store = await host.Services.GetRequiredService<MoorchehHostedStore>().Opened.WaitAsync(Token);
        Assert.That(host.Services.GetRequiredService<MoorchehStore>(), Is.SameAs(store));
        await host.StopAsync(Token);
    }

    [Test]
    public async Task Store_ResolvedBeforeStart_IsNotReady()
    {
        using IHost host = Build(_ => { });
        await RefusedAsync(() => Task.FromResult(host.Services.GetRequiredService<MoorchehStore>()), "not-ready");
        await host.StartAsync(Token);
        Assert.That(host.Services.GetRequiredService<MoorchehStore>(), Is.Not.Null);
        await host.StopAsync(Token);
    }

    private IHost Build(Action<MoorchehHostOptions> configure, TimeProvider? clock = null, TestEmbedder? embedder = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging();
        if (clock is not null)
        {
            builder.Services.AddSingleton(clock);
        }

        if (embedder is not null)
        {
            builder.Services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(embedder);
        }

        builder.Services.AddMoorcheh(options =>
        {
            options.DataDirectory = _directory.Path;
            options.Store.Storage.MemoryBudgetBytes = 32 << 20;
            configure(options);
        });
        return builder.Build();
    }
}
