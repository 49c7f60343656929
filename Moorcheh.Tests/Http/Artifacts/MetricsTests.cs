using System.Text.RegularExpressions;
using Moorcheh.Artifacts;
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
        await using TestServer server = await ArtifactServer.StartAsync(store: options => options.Artifacts.CallbackPublisher = publisher);
        await server.Store.Artifacts.IngestAsync(new ArtifactIngest("c", "a", ArtifactInput.FromText("x")));
        await server.Store.Artifacts.StartDeleteAsync("c", "none", new ArtifactCallback("there"));
        await server.Store.Artifacts.StartDeleteAsync("c", "none", new ArtifactCallback("missing"));
        while (publisher.Attempts.Count < 2 || server.Store.GetStatus() is not { RunningJobs: 0, WaitingCallbacks: 1 })
        {
            await Task.Delay(5, TestStore.Token);
        }

        ApiAnswer answer = await server.Api.GetAsync("/metrics");

        Assert.That((answer.Status, answer.ContentHeaders.ContentType?.ToString()), Is.EqualTo((200, "text/plain; version=0.0.4; charset=utf-8")));
        string text = Regex.Replace(answer.Text, "(?m)^(moorcheh_(free_bytes|journal_bytes|loop_last_success_timestamp_seconds[^ ]*)) [^ ]+$", "$1 #");
        Assert.That(text, Is.EqualTo("""
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
            # HELP moorcheh_read_only 1 while nothing can be stored.
            # TYPE moorcheh_read_only gauge
            moorcheh_read_only 0
            # HELP moorcheh_free_bytes Bytes free on the volume of the store; NaN while unknown.
            # TYPE moorcheh_free_bytes gauge
            moorcheh_free_bytes #
            # HELP moorcheh_journal_bytes Bytes of the journal that are kept.
            # TYPE moorcheh_journal_bytes gauge
            moorcheh_journal_bytes #
            # HELP moorcheh_max_journal_bytes Journal bytes at which uploads are refused.
            # TYPE moorcheh_max_journal_bytes gauge
            moorcheh_max_journal_bytes 8589934592
            # HELP moorcheh_stopped_namespaces Namespaces that take no changes until the store is opened again.
            # TYPE moorcheh_stopped_namespaces gauge
            moorcheh_stopped_namespaces 0
            # HELP moorcheh_loop_failing 1 while background work fails.
            # TYPE moorcheh_loop_failing gauge
            moorcheh_loop_failing{loop="jobs"} 0
            moorcheh_loop_failing{loop="tasks"} 0
            moorcheh_loop_failing{loop="callbacks"} 0
            moorcheh_loop_failing{loop="callback-expiry"} 0
            moorcheh_loop_failing{loop="index-maintenance"} 0
            moorcheh_loop_failing{loop="housekeeping"} 0
            moorcheh_loop_failing{loop="compaction"} 0
            moorcheh_loop_failing{loop="checkpoints"} 0
            # HELP moorcheh_loop_last_success_timestamp_seconds When background work last succeeded; NaN when it did not yet.
            # TYPE moorcheh_loop_last_success_timestamp_seconds gauge
            moorcheh_loop_last_success_timestamp_seconds{loop="jobs"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="tasks"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="callbacks"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="callback-expiry"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="index-maintenance"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="housekeeping"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="compaction"} #
            moorcheh_loop_last_success_timestamp_seconds{loop="checkpoints"} #
            # HELP moorcheh_callbacks_total Messages about tasks, by result.
            # TYPE moorcheh_callbacks_total counter
            moorcheh_callbacks_total{result="dropped"} 0
            moorcheh_callbacks_total{result="expired"} 0
            moorcheh_callbacks_total{result="sent"} 1

            """.ReplaceLineEndings("\n")));
    }
}
