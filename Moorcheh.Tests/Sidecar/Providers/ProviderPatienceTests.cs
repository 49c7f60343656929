using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Moorcheh.Sidecar.Providers;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar.Providers;

/// <summary>When a request is made again, and when none is made. The clock is ours; the server is real.</summary>
[CancelAfter(60_000)]
internal sealed class ProviderPatienceTests : ProviderFixture
{
    [Test]
    public async Task Documents_RateLimited_WaitAsLongAsTheProviderSays([ValueSource(nameof(Names))] string provider)
    {
        List<DateTimeOffset> times = AnswerFirst(1, 429, "{}", ("Retry-After", "7"));

        float[][] vectors = Values(await AdvanceAsync(DocumentsAsync(Generator(provider), "a b", "c")));

        Assert.That(vectors[0], Is.EqualTo(TestEmbedder.Embed("a b", FakeProvider.Dimension)));
        Assert.That(times, Has.Count.EqualTo(2));
        Assert.That((times[1] - times[0]).TotalSeconds, Is.GreaterThanOrEqualTo(7));
        Assert.That(Server.Requests[1].Texts, Is.EqualTo(new[] { "a b", "c" }));
    }

    [Test]
    public async Task Documents_ServerError_AreSentAgainAfterHalfASecondAndASecond([ValueSource(nameof(Names))] string provider)
    {
        List<DateTimeOffset> times = AnswerFirst(2, 500, "{}");

        Assert.That(await AdvanceAsync(DocumentsAsync(Generator(provider), "a")), Has.Count.EqualTo(1));

        Assert.That(times, Has.Count.EqualTo(3));
        Assert.That((times[1] - times[0]).TotalSeconds, Is.GreaterThanOrEqualTo(0.5));
        Assert.That((times[2] - times[1]).TotalSeconds, Is.GreaterThanOrEqualTo(1));
    }

    [TestCase(400)]
    [TestCase(401)]
    [TestCase(403)]
    [TestCase(404)]
    [TestCase(422)]
    public async Task Documents_Refused_AreNotSentAgain(int status)
    {
        Server.AnswerAll(status, """{"message":"no"}""");

        Assert.That(await MessageAsync(DocumentsAsync(Generator("cohere"), "a")), Is.EqualTo($"cohere answered {status}: no"));
        Assert.That(Server.Requests, Has.Count.EqualTo(1));
    }

    /// <summary>A quota that is used up for an hour is not worth the worker that waits for it.</summary>
    [Test]
    public async Task Documents_RateLimitedForAnHour_FailAtOnce()
    {
        Server.AnswerAll(429, """{"error":{"message":"You exceeded your quota"}}""", ("Retry-After", "3600"));

        Assert.That(await MessageAsync(DocumentsAsync(Generator("openai"), "a")), Is.EqualTo("openai answered 429: You exceeded your quota"));
        Assert.That(Server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Query_Failed_IsNotSentAgain([Values(429, 500, 503)] int status)
    {
        Server.AnswerAll(status, """{"error":"busy"}""", ("Retry-After", "1"));

        Assert.That(await MessageAsync(QueryAsync(Generator("ollama"), "a")), Is.EqualTo($"ollama answered {status}: busy"));
        Assert.That(Server.Requests, Has.Count.EqualTo(1));
    }

    /// <summary>Headers alone are no answer: a body that never ends is late, too.</summary>
    [Test]
    public async Task Documents_NoAnswerOrNoEndOfIt_FailAfterTheTimeAndAreNotSentAgain(
        [ValueSource(nameof(Names))] string provider, [Values] bool begins)
    {
        Server.Instead = async (_, http) =>
        {
            if (begins)
            {
                await http.Response.Body.WriteAsync("[ "u8.ToArray());
                await http.Response.Body.FlushAsync();
            }

            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        Task asking = DocumentsAsync(Generator(provider, seconds: 5), "a");
        DateTimeOffset begun = Clock.GetUtcNow();

        await Clock.AdvanceUntilAsync(() => asking.IsCompleted, Token);

        Assert.That(await MessageAsync(asking), Is.EqualTo($"{provider} gave no answer within 5 s"));
        Assert.That(Clock.GetUtcNow() - begun, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(5)));
        Assert.That(Server.Requests.Count, Is.LessThanOrEqualTo(1));
    }

    [Test]
    public async Task Circuit_ProviderAway_IsNotAskedUntilItIsBack()
    {
        ProviderEmbeddingGenerator generator = Generator("ollama");
        Server.AnswerAll(503, """{"error":"loading"}""");
        for (int i = 0; i < 3; i++)
        {
            Assert.That(await MessageAsync(QueryAsync(generator, "a")), Is.EqualTo("ollama answered 503: loading"));
        }

        Assert.That(await MessageAsync(QueryAsync(generator, "a")), Does.StartWith("ollama is not asked for a moment, because of what it did before: ollama answered 503"));
        Assert.That(Server.Requests, Has.Count.EqualTo(3));
        Assert.That(Warnings(), Has.Length.EqualTo(1));

        // Texts that are stored wait for it, searches do not.
        Server.Instead = null;
        Task<GeneratedEmbeddings<Embedding<float>>> waiting = DocumentsAsync(generator, "b");
        Assert.That(await MessageAsync(QueryAsync(generator, "a")), Does.Contain("is not asked for a moment"));
        Assert.That(await AdvanceAsync(waiting), Has.Count.EqualTo(1));
        Assert.That(await QueryAsync(generator, "a"), Has.Count.EqualTo(1));
        Assert.That(Log.Entries.Select(entry => entry.Message), Has.Some.EqualTo("Embedding provider ollama answers again"));
    }

    [Test]
    public async Task Circuit_ProviderAwayForLong_FailsUploadsAtOnce()
    {
        await Server.StopAsync();
        ProviderEmbeddingGenerator generator = Generator("openai");
        Task first = DocumentsAsync(generator, "a");
        await Clock.AdvanceUntilAsync(() => first.IsCompleted, Token);
        Assert.That(await MessageAsync(first), Does.StartWith("openai cannot be reached: Connection refused"));
        Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.That(await MessageAsync(QueryAsync(generator, "a")), Does.StartWith("openai cannot be reached: "), "one may look whether it is back");

        // The clock stands still: who waited would wait for ever.
        Assert.That(await MessageAsync(DocumentsAsync(generator, "a")), Does.StartWith("openai is not asked for a moment, because of what it did before: openai cannot be reached"));

        await Server.StartAgainAsync();
        Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.That(await DocumentsAsync(generator, "a"), Has.Count.EqualTo(1));
        Assert.That(Warnings(), Has.Length.EqualTo(1));
    }

    /// <summary>A single text may be the reason of a 500; nobody else is to suffer for it.</summary>
    [Test]
    public async Task Circuit_ServerErrors_LeaveItClosed()
    {
        ProviderEmbeddingGenerator generator = Generator("ollama");
        Server.AnswerAll(500, """{"error":"cannot"}""");
        for (int i = 0; i < 10; i++)
        {
            Assert.That(await MessageAsync(QueryAsync(generator, "a")), Is.EqualTo("ollama answered 500: cannot"));
        }

        Server.Instead = null;
        Assert.That(await QueryAsync(generator, "a"), Has.Count.EqualTo(1));
        Assert.That(Warnings(), Is.Empty);
    }

    /// <summary>Clients that lose patience before the provider's time is over would else close the circuit, again and again.</summary>
    [Test]
    public async Task Circuit_ClientWhoLooksGoesAway_StaysOpen()
    {
        ProviderEmbeddingGenerator generator = Generator("ollama");
        Server.AnswerAll(503, """{"error":"loading"}""");
        for (int i = 0; i < 3; i++)
        {
            await MessageAsync(QueryAsync(generator, "a"));
        }

        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Instead = async (_, http) =>
        {
            arrived.SetResult();
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        Clock.Advance(TimeSpan.FromSeconds(6));
        using var client = new CancellationTokenSource();
        Task looking = generator.GenerateAsync(["a"], Role("query"), client.Token);
        await arrived.Task.WaitAsync(Token);
        Assert.That(await MessageAsync(QueryAsync(generator, "a")), Does.Contain("is not asked for a moment"), "one looks for all");
        await client.CancelAsync();

        Assert.That(async () => await looking, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(
            await MessageAsync(QueryAsync(generator, "a")), Is.EqualTo("ollama is not asked for a moment, because of what it did before: ollama answered 503"));
        Assert.That(Log.Entries.Select(entry => entry.Message), Has.None.Contains("answers again"));
    }

    /// <summary>The handler of the framework tells a connection that takes too long as if somebody had cancelled.</summary>
    [Test]
    public async Task Connection_TakesTooLong_IsAConnectionError()
    {
        using var client = new HttpMessageInvoker(new AnswerReader(new NoConnection()));

        HttpRequestException error = (await Assert.ThrowsAsync<HttpRequestException>(
            () => client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "http://host:1/x"), Token)))!;

        Assert.That((error.HttpRequestError, error.Message), Is.EqualTo((HttpRequestError.ConnectionError, "no connection to host:1")));
    }

    private string[] Warnings() => [.. Log.Entries.Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Message)];

    private static async Task<string> MessageAsync(Task failing) => (await Assert.CatchAsync(() => failing))!.Message;

    private async Task<T> AdvanceAsync<T>(Task<T> task)
    {
        await Clock.AdvanceUntilAsync(() => task.IsCompleted, Token);
        return await task;
    }

    /// <summary>Answers some requests with an error, the others as they should be, and notes when each came.</summary>
    private List<DateTimeOffset> AnswerFirst(int count, int status, string body, params (string Name, string Value)[] headers)
    {
        List<DateTimeOffset> times = [];
        Server.Instead = async (_, http) =>
        {
            times.Add(Clock.GetUtcNow());
            if (times.Count > count)
            {
                return false;
            }

            await FakeProvider.AnswerAsync(http, status, body, headers);
            return true;
        };
        return times;
    }

    private sealed class NoConnection : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new TaskCanceledException("The operation was canceled.", new TimeoutException());
    }
}
