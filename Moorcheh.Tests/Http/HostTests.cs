using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Http;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>The adapter inside a host with routes of its own.</summary>
[CancelAfter(60_000)]
public class HostTests
{
    [Test]
    public async Task Prefix_RoutesLocationsAndErrors_StayBelowIt()
    {
        await using TestServer server = await TestServer.StartAsync(map: app =>
        {
            RouteGroupBuilder group = app.MapGroup("/moorcheh");
            group.MapMoorcheh();
            group.MapMoorchehFallback();
            app.MapGet("/own", () => "mine");
            app.MapPut("/moorcheh/own", () => "mine too");
        });
        ApiClient api = server.Api;

        (await api.PostAsync("/moorcheh/namespaces", """{"name":"emb","type":"vector","vector_dimension":2}""")).AssertStatus(201);
        ApiAnswer started = await api.PostAsync("/moorcheh/namespaces/emb/vectors", """{"vectors":[{"id":"a","vector":[1,0]}]}""");
        Assert.That(started.Headers.Location!.ToString(), Does.StartWith("/moorcheh/namespaces/emb/upload-jobs/job-"));
        Assert.That((await api.FinishAsync(started)).String("status"), Is.EqualTo("completed"));
        (await api.SendAsync(new HttpRequestMessage(HttpMethod.Put, "/moorcheh/health"))).AssertError(
            405, "method-not-allowed", "Method PUT is not allowed on /moorcheh/health; use GET.");
        (await api.GetAsync("/moorcheh/nope")).AssertError(404, "unknown-route", "No route GET /moorcheh/nope.");

        Assert.That((await api.GetAsync("/own")).Text, Is.EqualTo("mine"));
        Assert.That((await api.SendAsync(new HttpRequestMessage(HttpMethod.Put, "/moorcheh/own"))).Text, Is.EqualTo("mine too"));
        Assert.That((await api.GetAsync("/health")).Text, Is.Empty, "outside the prefix the host answers");
    }

    [Test]
    public async Task Root_WithoutFallback_LeavesOtherPathsToTheHost()
    {
        await using TestServer server = await TestServer.StartAsync(map: app =>
        {
            app.MapMoorcheh();
            app.MapFallback(() => "the host's page");
        });

        Assert.That((await server.Api.GetAsync("/anything")).Text, Is.EqualTo("the host's page"));
        (await server.Api.GetAsync("/health")).AssertStatus(200);
    }

    [Test]
    public async Task HostJsonSettings_DoNotReachTheWire()
    {
        await using TestServer server = await TestServer.StartAsync(services: services => services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.WriteIndented = true;
            json.SerializerOptions.PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.KebabCaseUpper;
        }));

        Assert.That((await server.Api.GetAsync("/livez")).Text, Is.EqualTo("""{"status":"ok"}"""));
        Assert.That((await server.Api.GetAsync("/health")).Text, Does.StartWith("""{"status":"ok","embedding_provider":"""));
    }

    [Test]
    public async Task StoreNotOpenYet_OnlyProbesAnswer()
    {
        using var opening = new GatedLoggerFactory();
        await using TestServer server = await TestServer.StartAsync(host =>
        {
            host.OpenInBackground = true;
            host.Store.LoggerFactory = opening;
        });

        ApiAnswer health = await server.Api.GetAsync("/health");

        health.AssertError(503, "not-ready", "Server is still loading its data.");
        Assert.That(health.Headers.RetryAfter?.ToString(), Is.EqualTo("1"));
        (await server.Api.GetAsync("/readyz")).AssertError(503, "not-ready", "Server is still loading its data.");
        (await server.Api.PostAsync("/namespaces", "{"u8.ToArray(), "text/plain")).AssertError(503, "not-ready", "Server is still loading its data.");
        (await server.Api.PostAsync("/search", "{}")).AssertError(503, "not-ready", "Server is still loading its data.");
        (await server.Api.GetAsync("/nope")).AssertError(404, "unknown-route", "No route GET /nope.");
        (await server.Api.GetAsync("/livez")).AssertStatus(200);
        ApiAnswer metrics = await server.Api.GetAsync("/metrics");
        opening.Release();
        Assert.That(metrics.Status, Is.EqualTo(200), metrics.Text);
        Assert.That(metrics.Text, Does.StartWith("# HELP moorcheh_callbacks_total "));
    }

    /// <summary>Opening a store begins with asking for a logger: here it waits.</summary>
    private sealed class GatedLoggerFactory : ILoggerFactory
    {
        private readonly ManualResetEventSlim _gate = new();

        public void Release() => _gate.Set();

        public ILogger CreateLogger(string categoryName)
        {
            _gate.Wait();
            return NullLogger.Instance;
        }

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose() => _gate.Dispose();
    }
}
