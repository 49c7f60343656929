using Moorcheh.Artifacts;
using Moorcheh.Tests.Artifacts;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Callbacks;

/// <summary>A store with a publisher in memory.</summary>
internal abstract class CallbackFixture : ArtifactFixture
{
    private protected static readonly string[] WholeIngest =
        ["Validation 0.0", "Validation 100.0", "Parse 0.0", "Parse 100.0", "Storage 0.0", "Storage 100.0", "done"];

    private protected static readonly ArtifactCallback Plain = new("events");

    private protected static readonly ArtifactCallback WithProgress = Plain with { RoutingKeyProgress = "p" };

    private protected FakePublisher Publisher { get; set; } = null!;

    private protected override MoorchehOptions Options()
    {
        Publisher ??= new FakePublisher();
        MoorchehOptions options = base.Options();
        options.Artifacts.CallbackPublisher = Publisher;
        options.Embedding.Timeout = TimeSpan.FromSeconds(1_000_000); // Clocks that are moved by hand run far ahead of an embedder that is blocked.
        return options;
    }

    [TearDown]
    public void Forget() => Publisher = null!;

    /// <summary>Closes the store and opens it with other settings.</summary>
    private protected async Task ReopenAsync(Action<MoorchehOptions> change)
    {
        await Store.DisposeAsync();
        MoorchehOptions options = Options();
        change(options);
        Store = await TestStore.OpenAsync(Data, options);
    }

    private protected static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(5, TestStore.Token);
        }
    }

    /// <summary>Waits until nothing waits to be sent.</summary>
    private protected Task SentAsync() => UntilAsync(() => Store.GetStatus().WaitingCallbacks == 0);

    private protected async Task<List<CallbackMessage>> SentAsync(ArtifactTaskStatus task)
    {
        await Artifacts.WaitAsync(task.JobId, TestStore.Token);
        await SentAsync();
        return Publisher.Of(task);
    }

    private protected static string[] Say(IEnumerable<CallbackMessage> messages) => [.. messages.Select(message => message.Say())];
}
