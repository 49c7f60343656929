using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Documents;
using Moorcheh.Documents.RabbitMq;
using Moorcheh.Tests.Http.Artifacts;
using Moorcheh.Tests.Support;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Moorcheh.Tests.Documents;

/// <summary>Steps 24 to 27 of the acceptance sequence, over real servers and a real broker, and what a broker may do to us.</summary>
[NonParallelizable]
[CancelAfter(180_000)]
[Platform(Exclude = "Win", Reason = "The broker is started by a shell script and stopped by signals.")]
internal sealed class BrokerTests
{
    // Set where the tests must run.
    private const string RequiredVariable = "MOORCHEH_REQUIRE_RABBITMQ";

    private const string Example = """
        {"delete_body":{"collection":"financial_reports","artifact":"obsolete_report_2022"},
         "callback":{"amqp":{"exchange":"deletion_events","routing_key_done":"delete.completed","routing_key_progress":"delete.progress","routing_key_error":"delete.failed"},"properties":{"key":"value"}}}
        """;

    private RabbitBroker _broker = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (!RabbitBroker.IsInstalled)
        {
            const string Reason = "rabbitmq-server is not installed (apt-get install rabbitmq-server).";
            if (Environment.GetEnvironmentVariable(RequiredVariable) is { Length: > 0 })
            {
                Assert.Fail(Reason);
            }

            Assert.Ignore(Reason);
        }

        _broker = await RabbitBroker.StartAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_broker is not null)
        {
            await _broker.DisposeAsync();
        }
    }

    [TearDown]
    public void Forget() => CrashPoints.Reached = null;

    private Task<TestServer> ServeAsync(string? address = null, string? directory = null) =>
        ArtifactServer.StartAsync(documents: documents => documents.CallbackBroker = address ?? _broker.Address, directory: directory);

    private static Task UntilSentAsync(TestServer server) => UntilAsync(() => server.Store.GetStatus().WaitingCallbacks == 0);

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(10, TestStore.Token);
        }
    }

    private static Task<ApiAnswer> DeleteAsync(TestServer server, string artifact, string exchange, string keys = "") => server.Api.PostAsync(
        "/v1/artifacts/delete/async",
        Encoding.UTF8.GetBytes($$$$"""{"delete_body":{"collection":"c","artifact":"{{{{artifact}}}}"},"callback":{"amqp":{"exchange":"{{{{exchange}}}}"{{{{keys}}}}},"properties":{"of":"{{{{artifact}}}}"}}}"""));

    [Test]
    public async Task Step24_DeleteWithRoutingKeys_SendsProgressAndOneDone()
    {
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        await using TestServer server = await ServeAsync();
        await server.Api.IngestTextAsync("financial_reports", "obsolete_report_2022", "x");
        ApiAnswer task = await server.Api.PostAsync("/v1/artifacts/delete/async", Example);
        Assert.That((await server.Api.EndedAsync("delete", task)).String("task_status"), Is.EqualTo("SUCCESS"));
        await UntilSentAsync(server);
        Assert.That(await queue.TakeAllAsync(), Is.EqualTo(new Delivery[]
        {
            Message("delete.progress", 1, """{"data":{"percentage":0.0,"warnings":[],"current_step":"Deletion"},"type":"pgpt.delete_ingested_task.progress","error":null,"callback_properties":{"key":"value"}}"""),
            Message("delete.progress", 2, """{"data":{"percentage":100.0,"warnings":[],"current_step":"Deletion"},"type":"pgpt.delete_ingested_task.progress","error":null,"callback_properties":{"key":"value"}}"""),
            Message("delete.completed", 3, """{"data":null,"type":"pgpt.delete_ingested_task.done","error":null,"callback_properties":{"key":"value"}}"""),
        }));

        Delivery Message(string key, int number, string body) =>
            new(key, $"{task.String("task_id")}:{number}", body, "application/json", DeliveryModes.Persistent, "x-dotnet-pub-seq-no");
    }

    [Test]
    public async Task Step25_DeleteWithoutRoutingKeys_SendsDoneUnderItsType_AndAFailureItsKey()
    {
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        await using TestServer server = await ServeAsync();
        await server.Api.IngestTextAsync("c", "a", "x");
        await server.Api.EndedAsync("delete", await server.Api.PostAsync(
            "/v1/artifacts/delete/async", """{"delete_body":{"collection":"c","artifact":"a"},"callback":{"amqp":{"exchange":"deletion_events"},"properties":{"test":"123"}}}"""));
        await UntilSentAsync(server);
        await server.Api.EndedAsync("delete", await server.Api.PostAsync(
            "/v1/artifacts/delete/async",
            """{"delete_body":{"collection":"c","artifact":"a"},"callback":{"amqp":{"exchange":"deletion_events","routing_key_error":"delete.failed"},"properties":null}}"""));
        await UntilSentAsync(server);
        Assert.That((await queue.TakeAllAsync()).Select(message => (message.RoutingKey, message.Body)), Is.EqualTo(new[]
        {
            ("pgpt.delete_ingested_task.done", """{"data":null,"type":"pgpt.delete_ingested_task.done","error":null,"callback_properties":{"test":"123"}}"""),
            ("delete.failed", """{"data":null,"type":"pgpt.delete_ingested_task.error","error":{"errors":["VectorArtifactIndex for artifact=a is not initialized."],"warnings":null},"callback_properties":null}"""),
        }));
    }

    /// <summary>To the exchange we declare ourselves, and to a queue by the default exchange; the properties as they were sent, without the blanks.</summary>
    [Test]
    public async Task Ingest_MessagesAreExact()
    {
        await using TestServer server = await ServeAsync();
        await UntilAsync(() => server.Log.Entries.Any(entry => entry.Message.StartsWith("Connected to the message broker", StringComparison.Ordinal)));
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, AmqpConnection.OwnExchange); // Fails unless it is a durable topic exchange already, or is not there.
        await RabbitQueue.DoAsync(_broker, channel => channel.ExchangeDeclarePassiveAsync(AmqpConnection.OwnExchange));
        ApiAnswer task = await server.Api.PostAsync("/v1/artifacts/ingest/async", Encoding.UTF8.GetBytes("""
            {"ingest_body":{"artifact":"a","collection":"c 1/ü","input":{"type":"text","value":"Hello"},"metadata":{"year":2024}},
             "callback":{"amqp":{"exchange":"main","routing_key_done":null},"properties":{ "z" : 1.0e2, "a":[ 1 , "x  y", "\u00e9ü" ] } }}
            """));
        ApiAnswer ended = await server.Api.EndedAsync("ingest", task);
        ApiAnswer empty = await server.Api.PostAsync("/v1/artifacts/ingest/async", Encoding.UTF8.GetBytes($$$$"""
            {"ingest_body":{"artifact":"b","input":{"type":"text","value":""}},
             "callback":{"amqp":{"exchange":"","routing_key_error":"{{{{queue.Name}}}}","routing_key_progress":"nobody"}}}
            """));
        await server.Api.EndedAsync("ingest", empty);
        await UntilSentAsync(server);
        const string Properties = """{"z":1.0e2,"a":[1,"x  y","\u00e9ü"]}""";
        IEnumerable<string> progress = from step in (string[])["Validation", "Parse", "Storage"]
                                       from percentage in (string[])["0.0", "100.0"]
                                       select $$"""{"data":{"percentage":{{percentage}},"warnings":[],"current_step":"{{step}}"},"type":"pgpt.vector_index_task.progress","error":null,"callback_properties":{{Properties}}""" + "}";
        await queue.TakeAllAsync();
        Assert.That(queue.Taken.Where(message => message.Task == task.String("task_id")).Select(message => message.Body), Is.EqualTo((string[])
        [
            .. progress,
            $$"""{"data":{{ended["task_result"].GetRawText()}},"type":"pgpt.vector_index_task.done","error":null,"callback_properties":{{Properties}}}""",
        ]));
        Assert.That(ended["task_result"].GetRawText(), Does.Contain("""
            "doc_metadata":{"file_name":"text_content.txt","year":2024,"artifact_id":"a","collection":"c 1/ü","llm_model":"default","embed_model":"bag","hash":"185f8db3
            """.Trim()));
        Assert.That(queue.Taken.Single(message => message.Task == empty.String("task_id")), Is.EqualTo(new Delivery(
            queue.Name,
            $"{empty.String("task_id")}:2",
            """{"data":null,"type":"pgpt.vector_index_task.error","error":{"errors":["zpgt.ingest.invalid_file_size.error"],"warnings":[]},"callback_properties":null}""",
            "application/json",
            DeliveryModes.Persistent,
            "x-dotnet-pub-seq-no")));
    }

    /// <summary>What an ingest had to say before it was revoked comes before what the delete says, and nothing comes after.</summary>
    [Test]
    public async Task Step19_RevokedIngest_SaysNothingMore()
    {
        using var embedder = new TestEmbedder();
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        await using TestServer server = await ArtifactServer.StartAsync(embedder, documents: documents => documents.CallbackBroker = _broker.Address);
        for (int round = 0; round < 10; round++)
        {
            embedder.Block();
            int calls = embedder.Calls.Count;
            ApiAnswer ingest = await server.Api.PostAsync("/v1/artifacts/ingest/async", new
            {
                ingest_body = new { artifact = "a", collection = "c", input = new { type = "text", value = $"text {round}" } },
                callback = new { amqp = new { exchange = "deletion_events" } },
            });
            await embedder.CallsBegunAsync(calls + 1);
            ApiAnswer delete = await DeleteAsync(server, "a", "deletion_events", ""","routing_key_progress":"p" """);
            embedder.Release();
            Assert.That((await server.Api.EndedAsync("ingest", ingest)).String("task_status"), Is.EqualTo("REVOKED"));
            Assert.That((await server.Api.EndedAsync("delete", delete)).String("task_status"), Is.EqualTo("SUCCESS"));
            await UntilSentAsync(server);
            await queue.TakeAllAsync();
            Delivery[] said = [.. queue.Taken.Where(message => message.Task == ingest.String("task_id") || message.Task == delete.String("task_id"))];
            Assert.That(said.TakeLast(3).Select(message => (message.Task, message.Number)), Is.EqualTo(Enumerable.Range(1, 3).Select(i => (delete.String("task_id")!, i))));
            Assert.That(said.SkipLast(3).Select(message => message.RoutingKey), Is.All.EqualTo("pgpt.vector_index_task.progress"));
            Assert.That(said.SkipLast(3).Select(message => message.Number), Is.EqualTo(Enumerable.Range(1, said.Length - 3)));
        }
    }

    /// <summary>Step 26. All tasks end while the broker is dead; each one's messages arrive when it is back.</summary>
    [Test]
    public async Task Step26_BrokerKilledAmid200Tasks_EveryMessageArrivesInOrder()
    {
        const int Count = 200;
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        await using TestServer server = await ServeAsync();
        for (int i = 0; i < Count; i++)
        {
            await server.Store.Artifacts.IngestAsync(new ArtifactIngest("c", $"{i}", ArtifactInput.FromText("x")));
        }

        List<ApiAnswer> tasks = [];
        for (int i = 0; i < Count; i++)
        {
            if (i == Count / 2)
            {
                await _broker.KillAsync();
            }

            tasks.Add(await DeleteAsync(server, $"{i}", "deletion_events", ""","routing_key_progress":"p" """));
        }

        foreach (ApiAnswer task in tasks)
        {
            Assert.That((await server.Api.EndedAsync("delete", task)).String("task_status"), Is.EqualTo("SUCCESS"));
        }

        Assert.That(server.Store.GetStatus().WaitingCallbacks, Is.GreaterThanOrEqualTo(Count / 2), "Nobody can have taken them.");
        await _broker.StartAgainAsync();
        await UntilSentAsync(server);
        await queue.TakeAllAsync();
        ILookup<string, Delivery> byTask = queue.Taken.ToLookup(message => message.Task);
        foreach (ApiAnswer task in tasks)
        {
            Delivery[] once = [.. byTask[task.String("task_id")!].DistinctBy(message => message.Id)];
            Assert.That(once.Select(message => message.Number), Is.EqualTo((int[])[1, 2, 3]), "In order, all of them.");
            Assert.That(once[^1].RoutingKey, Is.EqualTo("pgpt.delete_ingested_task.done"));
            Assert.That(byTask[task.String("task_id")!].GroupBy(message => message.Id).Select(same => same.Distinct().Count()), Is.All.EqualTo(1), "Repeated with the same bytes.");
        }
    }

    /// <summary>The broker stops reading and answering, with its connections open.</summary>
    [Test]
    public async Task Broker_ThatDoesNotAnswer_DelaysMessagesOnly()
    {
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        await using TestServer server = await ServeAsync();
        await server.Api.EndedAsync("delete", await DeleteAsync(server, "first", "deletion_events"));
        await UntilSentAsync(server);
        _broker.Pause();
        List<ApiAnswer> tasks = [];
        try
        {
            for (int i = 0; i < 100; i++)
            {
                tasks.Add(await DeleteAsync(server, $"{i}", "deletion_events"));
                await server.Api.EndedAsync("delete", tasks[^1]);
            }

            Assert.That(server.Store.GetStatus().WaitingCallbacks, Is.EqualTo(100));
        }
        finally
        {
            _broker.Continue();
        }

        await UntilSentAsync(server);
        await queue.TakeAllAsync();
        Assert.That(queue.Taken.Skip(1).Select(message => message.Task).Distinct(), Is.EquivalentTo(tasks.Select(task => task.String("task_id"))));
    }

    /// <summary>Every second task names an exchange that does not exist, which closes the channel it was named on.</summary>
    [Test]
    public async Task ExchangeMissing_OthersAreSentOnce_AndItsMessagesWhenItIsThere()
    {
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        string later = $"later-{Guid.NewGuid():N}";
        await using TestServer server = await ServeAsync();
        for (int i = 0; i < 50; i++)
        {
            await DeleteAsync(server, $"good{i}", "deletion_events");
            await DeleteAsync(server, $"bad{i}", i % 2 == 0 ? later : $"{later}-{i % 3}");
        }

        await UntilAsync(() => server.Store.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 50 });
        await queue.TakeAllAsync();
        Assert.That(queue.Taken.Select(message => message.Id), Is.Unique, "No other message failed.");
        Assert.That(queue.Taken, Has.Count.EqualTo(50));
        RabbitQueue[] queues = await Task.WhenAll(((string[])[later, $"{later}-0", $"{later}-1", $"{later}-2"]).Select(exchange => RabbitQueue.BehindNewExchangeAsync(_broker, exchange)));
        await UntilSentAsync(server);
        foreach (RabbitQueue one in queues)
        {
            await one.TakeAllAsync();
        }

        Assert.That(queues.SelectMany(one => one.Taken).Select(message => message.Id), Is.Unique);
        Assert.That(queues.Sum(one => one.Taken.Count), Is.EqualTo(50));
    }

    [Test]
    public async Task Login_ThatIsRefused_DelaysMessagesOnly_AndShowsNoSecret()
    {
        const string Secret = "very-secret-word";
        using var directory = new TemporaryDirectory();
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, "deletion_events");
        ApiAnswer task;
        await using (TestServer refused = await ServeAsync(_broker.AddressFor("guest", Secret), directory.Path))
        {
            task = await DeleteAsync(refused, "a", "deletion_events");
            Assert.That((await refused.Api.EndedAsync("delete", task)).String("task_status"), Is.EqualTo("FAILURE"));
            await UntilAsync(() => refused.Log.Entries.Any(entry => entry.Message.Contains("cannot be used: ", StringComparison.Ordinal)));
            Assert.That(refused.Store.GetStatus().WaitingCallbacks, Is.EqualTo(1));
            string log = string.Join('\n', refused.Log.Entries);
            Assert.That(log, Does.Contain("ACCESS_REFUSED").And.Not.Contain(Secret));
        }

        await using TestServer server = await ServeAsync(directory: directory.Path);
        await UntilSentAsync(server);
        Assert.That((await queue.TakeAllAsync()).Single().Task, Is.EqualTo(task.String("task_id")));
    }

    /// <summary>Something listens there that is no broker: it takes connections and says nothing.</summary>
    [Test]
    public async Task Listener_ThatSaysNothing_DelaysMessagesOnly()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using TestServer server = await ServeAsync($"amqp://{silent.LocalEndpoint}/");
        using TcpClient taken = await silent.AcceptTcpClientAsync(TestStore.Token);
        for (int i = 0; i < 100; i++)
        {
            await server.Api.EndedAsync("delete", await DeleteAsync(server, $"{i}", "main"));
        }

        Assert.That(server.Store.GetStatus().WaitingCallbacks, Is.EqualTo(100));
        await server.StopAsync();
    }

    /// <summary>Step 27. A process of its own is killed when a message is ready to be sent, or was taken by the broker but is still in the outbox.</summary>
    [TestCase(CrashPoints.CallbackReady, 1)]
    [TestCase(CrashPoints.CallbackReady, 2)]
    [TestCase(CrashPoints.CallbackTaken, 1)]
    [TestCase(CrashPoints.CallbackTaken, 3)]
    public async Task Step27_KilledBeforeSending_MessagesArriveAfterTheRestart(string point, int pass)
    {
        using var directory = new TemporaryDirectory();
        string exchange = $"crash-{Guid.NewGuid():N}";
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, exchange);
        string taskId = await CallbackChild.RunToPointAsync(directory.Path, _broker.Address, exchange, point, pass);
        int before = (await queue.TakeAllAsync()).Count;
        Assert.That(before, Is.EqualTo(point == CrashPoints.CallbackReady ? pass - 1 : pass));
        await using TestServer server = await ServeAsync(directory: directory.Path);
        await UntilSentAsync(server);
        await queue.TakeAllAsync();
        Assert.That(queue.Taken.DistinctBy(message => message.Id).Select(message => message.Id), Is.EqualTo((string[])[$"{taskId}:1", $"{taskId}:2", $"{taskId}:3"]));
        Assert.That(queue.Taken.Distinct().Count(), Is.EqualTo(3), "A repeated message has the same bytes.");
        Assert.That(queue.Taken.DistinctBy(message => message.Id).Last().RoutingKey, Is.EqualTo("pgpt.delete_ingested_task.done"));
        Assert.That(queue.Taken.Select(message => message.Id), Does.Contain($"{taskId}:{pass}"));
        if (point == CrashPoints.CallbackTaken)
        {
            Assert.That(queue.Taken.Count(message => message.Id == $"{taskId}:{pass}"), Is.EqualTo(2), "The broker had it, we did not know.");
        }
    }

    /// <summary>The sidecar as it is run, killed while its broker is away; its log shows no password.</summary>
    [Test]
    public async Task Step27_SidecarKilledWithAFullOutbox_MessagesArriveAfterTheRestart()
    {
        using var directory = new TemporaryDirectory();
        string user = $"u{Guid.NewGuid():N}";
        string exchange = $"sidecar-{user}";
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, exchange);
        string[] arguments = ["--embedding-provider", "none", "--callback-broker"];
        List<string> tasks = [];
        await using (SidecarProcess sidecar = await SidecarProcess.StartAsync(directory.Path, [.. arguments, _broker.AddressFor(user, "hidden-word")]))
        {
            for (int i = 0; i < 20; i++)
            {
                ApiAnswer task = await sidecar.Api.PostAsync(
                    "/v1/artifacts/delete/async", new { delete_body = new { collection = "c", artifact = $"{i}" }, callback = new { amqp = new { exchange } } });
                await sidecar.Api.EndedAsync("delete", task);
                tasks.Add(task.String("task_id")!);
            }

            await sidecar.KillAsync();
            Assert.That(sidecar.Output, Does.Not.Contain("hidden-word"));
        }

        await using SidecarProcess again = await SidecarProcess.StartAsync(directory.Path, [.. arguments, _broker.Address]);
        await queue.TakeUntilAsync(taken => taken.DistinctBy(message => message.Id).Count() == 20);
        Assert.That(queue.Taken.Select(message => message.Task).Distinct(), Is.EquivalentTo(tasks));
        Assert.That(await again.StopAsync(), Is.Zero);
    }

    [TestCase("amqp://user:hidden-word@")]
    [TestCase("http://user:hidden-word@127.0.0.1:5672/")]
    [TestCase("user:hidden-word@127.0.0.1")]
    [TestCase("amqp://user:hidden-word@127.0.0.1/a/b")]
    public async Task Sidecar_BrokerAddressIsNone_DoesNotStart(string address)
    {
        (int exitCode, string output) = await SidecarProcess.RunToEndAsync("--callback-broker", address);
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Does.StartWith("Option 'CallbackBroker' is no address of a broker; it must read amqp://").And.Not.Contain("hidden-word"));
    }

    /// <summary>An exchange of that name that somebody else made otherwise is used as it is.</summary>
    [Test]
    public async Task OwnExchange_ThatIsThereInAnotherForm_IsUsedAsItIs()
    {
        string host = $"v{Guid.NewGuid():N}";
        await RabbitQueue.DoAsync(_broker, async channel =>
        {
            await channel.ExchangeDeleteAsync(AmqpConnection.OwnExchange);
            await channel.ExchangeDeclareAsync(AmqpConnection.OwnExchange, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(host, durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync(host, AmqpConnection.OwnExchange, "");
        });
        try
        {
            await using TestServer server = await ServeAsync();
            await DeleteAsync(server, "a", AmqpConnection.OwnExchange);
            await UntilAsync(() => server.Store.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
            Assert.That(await new RabbitQueue(_broker, host).TakeAllAsync(), Has.Count.EqualTo(1));
        }
        finally
        {
            await RabbitQueue.DoAsync(_broker, channel => channel.ExchangeDeleteAsync(AmqpConnection.OwnExchange));
        }
    }

    [Test]
    public async Task OwnExchange_DeletedWhileConnected_IsDeclaredAgain()
    {
        await using TestServer server = await ServeAsync();
        await DeleteAsync(server, "a", AmqpConnection.OwnExchange);
        await UntilAsync(() => server.Store.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
        await RabbitQueue.DoAsync(_broker, channel => channel.ExchangeDeleteAsync(AmqpConnection.OwnExchange));
        await DeleteAsync(server, "a", AmqpConnection.OwnExchange);
        await UntilAsync(() => server.Store.GetStatus() is { RunningJobs: 0, WaitingCallbacks: 0 });
        await RabbitQueue.DoAsync(_broker, channel => channel.ExchangeDeclarePassiveAsync(AmqpConnection.OwnExchange));
    }

    /// <summary>
    /// Whoever gives up, waiting for a confirmation, for room in the connection or for others who publish, leaves the channel to them as it was.
    /// </summary>
    [Test]
    public async Task Publish_CancelledBeforeItIsConfirmed_OthersOfTheExchangeAreSent()
    {
        const int Cancelled = 300; // More than the connection holds.
        const int Count = 20;
        byte[] large = new byte[128 << 10];
        string exchange = $"cancelled-{Guid.NewGuid():N}";
        RabbitQueue queue = await RabbitQueue.BindAsync(_broker, exchange);
        await using var publisher = new RabbitMqPublisher(BrokerAddress.Parse(_broker.Address)!, TimeProvider.System, NullLogger<RabbitMqPublisher>.Instance);
        Task PublishAsync(string id, CancellationToken token, byte[]? body = null) =>
            publisher.PublishAsync(new CallbackMessage(exchange, "k", id, body ?? "{}"u8.ToArray()), token);
        await PublishAsync("first", TestStore.Token); // From here on there is a channel: what is published is under way when the call returns.
        _broker.Pause();
        try
        {
            using var cancelled = new CancellationTokenSource();
            Task[] waiting = [.. Enumerable.Range(0, Cancelled).Select(i => PublishAsync($"cancelled{i}", cancelled.Token, large))];
            Assert.That(waiting.Select(one => one.IsCompleted), Is.All.False);
            await cancelled.CancelAsync();
            foreach (Task one in waiting)
            {
                Assert.That(async () => await one, Throws.InstanceOf<OperationCanceledException>());
            }
        }
        finally
        {
            _broker.Continue();
        }

        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => PublishAsync($"after{i}", TestStore.Token)));
        await PublishAsync("last", TestStore.Token);
        await queue.TakeAllAsync();
        Assert.That(queue.Taken.Count(message => message.Id.StartsWith("after", StringComparison.Ordinal)), Is.EqualTo(Count));
        Assert.That(queue.Taken[^1].Id, Does.StartWith("last"));
    }

    /// <summary>More exchanges than channels are kept for, at once and one after the other.</summary>
    [Test]
    public async Task ManyExchanges_AllAreServed()
    {
        await using var publisher = new RabbitMqPublisher(BrokerAddress.Parse(_broker.Address)!, TimeProvider.System, NullLogger<RabbitMqPublisher>.Instance);
        string prefix = $"many-{Guid.NewGuid():N}";
        string[] exchanges = [.. Enumerable.Range(0, 150).Select(i => $"{prefix}-{i}")];
        foreach (string exchange in exchanges)
        {
            await RabbitQueue.DeclareExchangeAsync(_broker, exchange);
        }

        for (int round = 0; round < 2; round++)
        {
            await Task.WhenAll(exchanges.Select((exchange, i) => publisher.PublishAsync(new CallbackMessage(exchange, "k", $"{i}", "{}"u8.ToArray()), TestStore.Token)));
        }

        Assert.That(
            async () => await publisher.PublishAsync(new CallbackMessage($"{prefix}-none", "k", "1", "{}"u8.ToArray()), TestStore.Token),
            Throws.InstanceOf<OperationInterruptedException>().With.Message.Contains($"no exchange '{prefix}-none'"));
        await publisher.PublishAsync(new CallbackMessage(exchanges[0], "k", "1", "{}"u8.ToArray()), TestStore.Token);
    }
}
