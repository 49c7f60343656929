using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http.Artifacts;

/// <summary>The counters are those of the process: no other test runs meanwhile.</summary>
[NonParallelizable]
[CancelAfter(60_000)]
internal sealed class MetricsTests
{
    [Test]
    public async Task Metrics_ShowCountsAndTheBacklog()
    {
        var publisher = new FakePublisher { OnPublish = (message, _) => message.Exchange == "missing" ? throw new IOException("No exchange.") : Task.CompletedTask };
        await using TestServer server = await ArtifactServer.StartAsync(store: options => options.CallbackPublisher = publisher);
        await server.Store.Artifacts.IngestAsync(new ArtifactIngest("c", "a", ArtifactInput.FromText("x")));
        await server.Store.Artifacts.StartDeleteAsync("c", "none", new ArtifactCallback("there"));
        await server.Store.Artifacts.StartDeleteAsync("c", "none", new ArtifactCallback("missing"));
        while (publisher.Attempts.Count < 2 || server.Store.GetStatus() is not { RunningJobs: 0, WaitingCallbacks: 1 })
        {
            await Task.Delay(5, TestStore.Token);
        }

        ApiAnswer answer = await server.Api.GetAsync("/metrics");

        Assert.That((answer.Status, answer.ContentHeaders.ContentType?.ToString()), Is.EqualTo((200, "text/plain; version=0.0.4; charset=utf-8")));
        Assert.That(answer.Text, Is.EqualTo("""
            # HELP moorcheh_items Stored items.
            # TYPE moorcheh_items gauge
            moorcheh_items 1
            # HELP moorcheh_max_items Most items the store takes.
            # TYPE moorcheh_max_items gauge
            moorcheh_max_items 100000
            # HELP moorcheh_reserved_items New items that accepted uploads may still store.
            # TYPE moorcheh_reserved_items gauge
            moorcheh_reserved_items 0
            # HELP moorcheh_namespaces Live namespaces.
            # TYPE moorcheh_namespaces gauge
            moorcheh_namespaces 1
            # HELP moorcheh_callbacks_waiting Messages about tasks that wait to be sent.
            # TYPE moorcheh_callbacks_waiting gauge
            moorcheh_callbacks_waiting 1
            # HELP moorcheh_callbacks_total Messages about tasks, by result.
            # TYPE moorcheh_callbacks_total counter
            moorcheh_callbacks_total{result="dropped"} 0
            moorcheh_callbacks_total{result="expired"} 0
            moorcheh_callbacks_total{result="sent"} 1

            """.ReplaceLineEndings("\n")));
    }
}
