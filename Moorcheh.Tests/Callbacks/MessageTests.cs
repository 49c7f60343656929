using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Callbacks;

/// <summary>What messages say, byte for byte, and in which order.</summary>
internal sealed class MessageTests : CallbackFixture
{
    private const string Hello = "185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969";

    [Test]
    public async Task Ingest_TellsEveryStepAndItsEnd()
    {
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(
            Text("docs", "é\"", "Hello", """{"file_name":"ü.txt","n":1.50,"artifact_id":"mine"}"""),
            Plain with { Properties = ItemMetadata.Parse("""{"b":1.0e2,"a":[null,"x y","é"]}""") });
        List<CallbackMessage> messages = await SentAsync(task);
        Assert.That(messages.Select(message => message.Text()), Is.EqualTo((string[])
        [
            .. WholeIngest[..^1].Select(said => said.Split(' ')).Select(said =>
                $$$"""{"data":{"percentage":{{{said[1]}}},"warnings":[],"current_step":"{{{said[0]}}}"},"type":"pgpt.vector_index_task.progress","error":null,"callback_properties":{"b":1.0e2,"a":[null,"x y","é"]}}"""),
            $$$"""{"data":{"object":"list","model":"private-gpt","data":[{"object":"ingest.document","artifact":"é\"","doc_metadata":{"file_name":"ü.txt","n":1.50,"artifact_id":"é\"","collection":"docs","llm_model":"default","embed_model":"bag","hash":"{{{Hello}}}"}}]},"type":"pgpt.vector_index_task.done","error":null,"callback_properties":{"b":1.0e2,"a":[null,"x y","é"]}}""",
        ]));
        Assert.That(messages.Select(message => message.MessageId), Is.EqualTo(Enumerable.Range(1, 7).Select(i => $"{task.JobId}:{i}")));
        Assert.That(messages.Select(message => message.Exchange), Is.All.EqualTo("events"));
        Assert.That(
            messages.Select(message => message.RoutingKey),
            Is.EqualTo(Enumerable.Repeat("pgpt.vector_index_task.progress", 6).Append("pgpt.vector_index_task.done")));
        Assert.That(Publisher.Attempts, Has.Count.EqualTo(7));
    }

    [Test]
    public async Task Ingest_OfWhatIsStoredAlready_TellsEveryStepAndAnEmptyList()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "Hello"));
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(
            Text("docs", "a", "Hello"), new ArtifactCallback("") { RoutingKeyDone = "d", RoutingKeyProgress = "", RoutingKeyError = "e" });
        List<CallbackMessage> messages = await SentAsync(task);
        Assert.That(Say(messages), Is.EqualTo(WholeIngest));
        Assert.That(
            messages[^1].Text(),
            Is.EqualTo("""{"data":{"object":"list","model":"private-gpt","data":[]},"type":"pgpt.vector_index_task.done","error":null,"callback_properties":null}"""));
        Assert.That((messages[^1].Exchange, messages[^1].RoutingKey), Is.EqualTo(("", "d")));
        Assert.That(messages[0].RoutingKey, Is.EqualTo("pgpt.vector_index_task.progress"));
    }

    [Test]
    public async Task Ingest_ThatFails_TellsTheBareCode()
    {
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(
            Text("docs", "a", ""), Plain with { RoutingKeyError = "e", Properties = ItemMetadata.Parse("""{"test":"123"}""") });
        List<CallbackMessage> messages = await SentAsync(task);
        Assert.That(Say(messages), Is.EqualTo((string[])["Validation 0.0", "error"]));
        Assert.That(messages[^1].RoutingKey, Is.EqualTo("e"));
        Assert.That(
            messages[^1].Text(),
            Is.EqualTo("""{"data":null,"type":"pgpt.vector_index_task.error","error":{"errors":["zpgt.ingest.invalid_file_size.error"],"warnings":[]},"callback_properties":{"test":"123"}}"""));
    }

    [Test]
    public async Task Ingest_ThatFailsOtherwise_TellsTheText()
    {
        Embedder.FailNextCalls(1);
        List<CallbackMessage> messages = await SentAsync(await Artifacts.StartIngestAsync(Text("docs", "a", "x"), Plain));
        Assert.That(Say(messages), Is.EqualTo((string[])[.. WholeIngest[..5], "error"]));
        Assert.That(
            messages[^1].Text(),
            Is.EqualTo("""{"data":null,"type":"pgpt.vector_index_task.error","error":{"errors":["Embedding failed: connection refused."],"warnings":null},"callback_properties":null}"""));
    }

    [Test]
    public async Task Delete_TellsProgressOnlyWhenAsked()
    {
        await Artifacts.IngestAsync(Text("docs", "a", "x"));
        await Artifacts.IngestAsync(Text("docs", "b", "x"));
        ArtifactCallback asked = new ArtifactCallback("deletion_events")
        {
            RoutingKeyDone = "delete.completed",
            RoutingKeyProgress = "delete.progress",
            RoutingKeyError = "delete.failed",
            Properties = ItemMetadata.Parse("""{"key":"value"}"""),
        };
        List<CallbackMessage> messages = await SentAsync(await Artifacts.StartDeleteAsync("docs", "a", asked));
        Assert.That(messages.Select(message => (message.RoutingKey, message.Text())), Is.EqualTo(new[]
        {
            ("delete.progress", """{"data":{"percentage":0.0,"warnings":[],"current_step":"Deletion"},"type":"pgpt.delete_ingested_task.progress","error":null,"callback_properties":{"key":"value"}}"""),
            ("delete.progress", """{"data":{"percentage":100.0,"warnings":[],"current_step":"Deletion"},"type":"pgpt.delete_ingested_task.progress","error":null,"callback_properties":{"key":"value"}}"""),
            ("delete.completed", """{"data":null,"type":"pgpt.delete_ingested_task.done","error":null,"callback_properties":{"key":"value"}}"""),
        }));
        messages = await SentAsync(await Artifacts.StartDeleteAsync("docs", "b", Plain with { Properties = ItemMetadata.Parse("""{"test":"123"}""") }));
        Assert.That(messages.Select(message => (message.RoutingKey, message.Text())), Is.EqualTo(new[]
        {
            ("pgpt.delete_ingested_task.done", """{"data":null,"type":"pgpt.delete_ingested_task.done","error":null,"callback_properties":{"test":"123"}}"""),
        }));
        messages = await SentAsync(await Artifacts.StartDeleteAsync("docs", "a", asked with { RoutingKeyProgress = null, Properties = null }));
        Assert.That(messages.Select(message => (message.RoutingKey, message.Text())), Is.EqualTo(new[]
        {
            ("delete.failed", """{"data":null,"type":"pgpt.delete_ingested_task.error","error":{"errors":["VectorArtifactIndex for artifact=a is not initialized."],"warnings":null},"callback_properties":null}"""),
        }));
    }

    /// <summary>Batches of ten chunks, some longer than a second: two decimals at most, and not more than one message a second.</summary>
    [Test]
    public async Task Storage_TellsAtMostOnceASecond()
    {
        var clock = new ManualTimeProvider();
        await ReopenAsync(options => options.TimeProvider = clock);
        int call = 0;
        Embedder.OnCall = _ => clock.Advance(TimeSpan.FromSeconds(Interlocked.Increment(ref call) is 2 or 5 or 7 ? 1 : 0.4));
        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", Lines(70)), Plain);
        await EndedAsync(task, ArtifactTaskState.Success);
        await clock.AdvanceUntilAsync(() => Store.GetStatus().WaitingCallbacks == 0, TestStore.Token);

        // After 0.4, 1.4, 1.8, 2.2, 3.2, 3.6 and 4.6 s since the step began.
        Assert.That(Say(Publisher.Of(task)[4..]), Is.EqualTo((string[])["Storage 0.0", "Storage 28.57", "Storage 71.42", "Storage 100.0", "done"]));
    }

    /// <summary>Finished tasks are kept for days: what their callers gave with the callback is not.</summary>
    [Test]
    public async Task Properties_OfATaskThatHasEnded_AreForgotten([Values] bool isRevoked)
    {
        WeakReference properties = await RunAsync(isRevoked);
        await UntilAsync(() =>
        {
            GC.Collect();
            return !properties.IsAlive;
        });
    }

    private async Task<WeakReference> RunAsync(bool isRevoked)
    {
        ArtifactCallback callback = Plain with { Properties = ItemMetadata.Parse("""{"k":1}""") };
        if (isRevoked)
        {
            Embedder.Block();
        }

        ArtifactTaskStatus task = await Artifacts.StartIngestAsync(Text("docs", "a", "x"), callback);
        if (isRevoked)
        {
            await Artifacts.StartDeleteAsync("docs", "a");
            Embedder.Release();
        }

        await EndedAsync(task, isRevoked ? ArtifactTaskState.Revoked : ArtifactTaskState.Success);
        await SentAsync();
        return new WeakReference(callback.Properties);
    }

    [Test]
    public async Task Callback_BreaksARule_IsRefused()
    {
        string longName = new('é', 128);
        foreach ((ArtifactCallback callback, string rule) in ((ArtifactCallback, string)[])
        [
            (new ArtifactCallback(longName), "The name has 256 bytes; the limit is 255. (Parameter 'Exchange')"),
            (Plain with { RoutingKeyDone = longName }, "The name has 256 bytes; the limit is 255. (Parameter 'RoutingKeyDone')"),
            (Plain with { RoutingKeyProgress = longName }, "The name has 256 bytes; the limit is 255. (Parameter 'RoutingKeyProgress')"),
            (Plain with { RoutingKeyError = longName }, "The name has 256 bytes; the limit is 255. (Parameter 'RoutingKeyError')"),
            (Plain with { RoutingKeyDone = "\ud800" }, "The name is not valid Unicode: it has a lone surrogate. (Parameter 'RoutingKeyDone')"),
            (new ArtifactCallback((string)null!), "Value cannot be null. (Parameter 'Exchange')"),
        ])
        {
            Assert.That(async () => await Artifacts.StartIngestAsync(Text("docs", "a", "x"), callback), Throws.InstanceOf<ArgumentException>().With.Message.EqualTo(rule));
            Assert.That(async () => await Artifacts.StartDeleteAsync("docs", "a", callback), Throws.InstanceOf<ArgumentException>().With.Message.EqualTo(rule));
        }

        string text = new('x', Store.Options.Limits.MaxMetadataBytes);
        await TestStore.RefusedAsync(
            () => Artifacts.StartDeleteAsync("docs", "a", Plain with { Properties = ItemMetadata.Parse($$"""{"k":"{{text}}"}""") }),
            ErrorCodes.InvalidMetadata,
            "properties has 65544 bytes; the limit is 65536");
        await TestStore.RefusedAsync(
            () => Artifacts.StartIngestAsync(Text("docs", "a", "x"), Plain with { Properties = ItemMetadata.Parse("""{"a":[[[[[[[[1]]]]]]]]}""") }),
            ErrorCodes.InvalidMetadata,
            "properties is 9 levels deep; the limit is 8");
        Assert.That(Store.GetStatus().RunningJobs, Is.Zero);
        await SentAsync(await Artifacts.StartDeleteAsync("docs", "a", new ArtifactCallback(longName[..127]) { RoutingKeyError = longName[..127] }));
    }

    [Test]
    public async Task LastMessage_TheTaskIsReadAsEnded()
    {
        List<string> wrong = [];
        Publisher.OnPublish = (message, _) =>
        {
            ArtifactTaskStatus read = Artifacts.FindTask(message.MessageId[..36])!;
            bool isLast = message.Say() is "done" or "error";
            if (isLast && read.TaskState is not (ArtifactTaskState.Success or ArtifactTaskState.Failure))
            {
                wrong.Add($"{message.Say()}: {read.TaskState}");
            }

            return Task.CompletedTask;
        };

        // Between the two a message that does not wait has time enough to be sent.
        using var never = new ManualResetEventSlim();
        CrashPoints.Reached = point =>
        {
            if (point == CrashPoints.CallbackMade)
            {
                never.Wait(40, TestStore.Token);
            }
        };
        for (int i = 0; i < 20; i++)
        {
            await Artifacts.StartIngestAsync(Text("docs", $"{i}", i % 3 == 0 ? "" : "x"), Plain);
            await Artifacts.StartDeleteAsync("docs", $"{i - 5}", Plain);
        }

        await UntilAsync(() => Store.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
        CrashPoints.Reached = null;
        Assert.That(wrong, Is.Empty);
    }
}
