using Microsoft.Extensions.Configuration;
using Moorcheh.Http;
using Moorcheh.Sidecar;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Sidecar;

/// <summary>Where settings come from, which one counts, and what stops the start.</summary>
public class SidecarSettingsTests
{
    [Test]
    public void Read_NothingSet_HasTheDocumentedDefaults()
    {
        SidecarSettings settings = Read();

        Assert.That(settings.Sidecar.ServerHost, Is.EqualTo("127.0.0.1"));
        Assert.That(settings.Sidecar.ServerPort, Is.EqualTo(8080));
        Assert.That(settings.Sidecar.AllowAnonymous, Is.False);
        Assert.That(settings.Sidecar.AllowedHosts, Is.Empty);
        Assert.That(settings.Sidecar.AllowedOrigins, Is.Empty);
        Assert.That(settings.Sidecar.EmbeddingProvider, Is.EqualTo("onnx"));
        Assert.That(settings.Sidecar.EmbeddingModelDirectory, Is.Empty);
        Assert.That(settings.Sidecar.EmbeddingModel, Is.Empty);
        Assert.That(settings.Sidecar.EmbeddingBaseUrl, Is.Empty);
        Assert.That(settings.Sidecar.EmbeddingApiKey, Is.Empty);
        Assert.That(settings.Sidecar.EmbeddingDimensions, Is.Zero);
        Assert.That((settings.Sidecar.EmbeddingQueryPrefix, settings.Sidecar.EmbeddingDocumentPrefix), Is.EqualTo(("auto", "auto")));
        Assert.That(settings.Sidecar.EmbeddingRequestSeconds, Is.EqualTo(60));
        Assert.That(settings.Http.MaxBodyBytes, Is.EqualTo(67_108_864));
        Assert.That(settings.Http.MaxBytesInFlight, Is.EqualTo(268_435_456));
        Assert.That(settings.Http.MinBodyBytesPerSecond, Is.EqualTo(100));
        Assert.That(settings.Http.MinAnswerBytesPerSecond, Is.EqualTo(1000));
        Assert.That(settings.Http.TransferGraceSeconds, Is.EqualTo(30));
        Assert.That(settings.Sidecar.MaxConnections, Is.EqualTo(1000));
        Assert.That(settings.Http.ApiKeys, Is.Empty);
        Assert.That(settings.Host.DataDirectory, Is.EqualTo("moorcheh-data"));
        Assert.That(settings.Host.OpenInBackground);
        Assert.That(settings.Host.Store.Limits.MaxItems, Is.EqualTo(100_000));
    }

    [Test]
    public void Read_AllSources_TheLaterOneCounts()
    {
        var file = new Dictionary<string, string?>
        {
            ["Moorcheh:MaxItems"] = "1",
            ["Moorcheh:JobWorkers"] = "2",
            ["Moorcheh:DataDirectory"] = "from-file",
            ["Moorcheh:ApiKeys:0"] = "a",
            ["Moorcheh:ApiKeys:1"] = "b",
        };
        var environment = new Dictionary<string, string> { ["MOORCHEH_MAX_ITEMS"] = "3", ["MOORCHEH_JOB_WORKERS"] = "4" };

        SidecarSettings settings = Read(file, environment, "--MaxItems", "5");

        Assert.That(settings.Host.Store.Limits.MaxItems, Is.EqualTo(5));
        Assert.That(settings.Host.Store.Jobs.Workers, Is.EqualTo(4));
        Assert.That(settings.Host.DataDirectory, Is.EqualTo("from-file"));
        Assert.That(settings.Http.ApiKeys, Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public void Read_EverySetting_HasAnEnvironmentName()
    {
        foreach ((string name, string value) in new SidecarSettings().All)
        {
            string variable = SidecarSettings.VariableOf(name);
            string other = value.Length == 0 || name is "ServerHost" or "EmbeddingProvider" ? value : name == "DataDirectory" ? "other" : value == "false" ? "true" : value;
            SidecarSettings settings = Read(environment: new() { [variable] = other });
            Assert.That(settings.UnknownVariables, Is.Empty, variable);
            Assert.That(settings.All, Does.Contain((name, other)));
        }
    }

    [Test]
    public void Documentation_ListsEverySettingWithItsDefault()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "http.md"));

        foreach ((string name, string value) in new SidecarSettings().All)
        {
            string shown = value.Length == 0 ? "(none|empty)" : $"`?{value}`?";
            Assert.That(text, Does.Match($@"\| `{name}` \| `{SidecarSettings.VariableOf(name)}` \| {shown} \|"));
        }
    }

    [Test]
    public void Read_PublishedNames_AreTakenAndOursCountMore()
    {
        SidecarSettings settings = Read(environment: new()
        {
            ["SERVER_HOST"] = "::1",
            ["SERVER_PORT"] = "9000",
            ["MOORCHEH_SERVER_PORT"] = "9001",
        });

        Assert.That(settings.Sidecar.ServerHost, Is.EqualTo("::1"));
        Assert.That(settings.Sidecar.ServerPort, Is.EqualTo(9001));
    }

    [TestCase("--max-items", "7")]
    [TestCase("--max-items=7")]
    [TestCase("--MAXITEMS", "7")]
    public void Read_CommandLineForms_AreTaken(params string[] arguments) =>
        Assert.That(Read(arguments: arguments).Host.Store.Limits.MaxItems, Is.EqualTo(7));

    [TestCase("--NoSuch", "1", ExpectedResult = "Unknown setting: --NoSuch.")]
    [TestCase("--MaxItems", ExpectedResult = "Option '--MaxItems' has no value.")]
    [TestCase("MaxItems", "1", ExpectedResult = "'MaxItems' is not an option; write --name value.")]
    [TestCase("--MaxItems", "many", ExpectedResult = "Option 'MaxItems' is 'many'; it must be a whole number (--MaxItems).")]
    [TestCase("--JobWorkers", "65", ExpectedResult = "Option 'JobWorkers' is 65; it must be from 1 to 64.")]
    [TestCase("--CallbackRetryHours", "2147483647", ExpectedResult = "Option 'CallbackRetryHours' is 2147483647; it must be from 1 to 8760.")]
    [TestCase("--FinishedJobDays", "2147483647", ExpectedResult = "Option 'FinishedJobDays' is 2147483647; it must be from 0 to 36500.")]
    [TestCase("--FinishedJobDays", "-2147483648", ExpectedResult = "Option 'FinishedJobDays' is -2147483648; it must be from 0 to 36500.")]
    [TestCase("--MaxBytesInFlight", "134217727", ExpectedResult = "Option 'MaxBytesInFlight' is 134217727; it must be from 134217728, twice 'MaxBodyBytes', to 1099511627776.")]
    [TestCase("--MinBodyBytesPerSecond", "-1", ExpectedResult = "Option 'MinBodyBytesPerSecond' is -1; it must be from 0 to 1048576.")]
    [TestCase("--MinAnswerBytesPerSecond", "1048577", ExpectedResult = "Option 'MinAnswerBytesPerSecond' is 1048577; it must be from 0 to 1048576.")]
    [TestCase("--TransferGraceSeconds", "0", ExpectedResult = "Option 'TransferGraceSeconds' is 0; it must be from 1 to 3600.")]
    [TestCase("--MaxConnections", "0", ExpectedResult = "Option 'MaxConnections' is 0; it must be from 1 to 100000.")]
    [TestCase("--MaxBodyBytes", "0", ExpectedResult = "Option 'MaxBodyBytes' is 0; it must be from 1 to 1073741824.")]
    [TestCase("--AllowAnonymous", "yes", ExpectedResult = "Option 'AllowAnonymous' is 'yes'; it must be true or false (--AllowAnonymous).")]
    [TestCase("--ServerPort", "70000", ExpectedResult = "Option 'ServerPort' is 70000; it must be from 0 to 65535.")]
    [TestCase("--ServerHost", "example", ExpectedResult = "Option 'ServerHost' is 'example'; it must be an IP address or 'localhost'.")]
    [TestCase("--EmbeddingProvider", "x", ExpectedResult = "Option 'EmbeddingProvider' is 'x'; it must be 'onnx', 'ollama', 'openai', 'cohere' or 'none'.")]
    [TestCase("--AllowedHosts", "app.example,app.example:8080", ExpectedResult = "Option 'AllowedHosts' has 'app.example:8080'; it must hold hosts without a port, IPv6 addresses in brackets, '*.suffix', or '*' for all.")]
    [TestCase("--AllowedHosts", "http://app.example", ExpectedResult = "Option 'AllowedHosts' has 'http://app.example'; it must hold hosts without a port, IPv6 addresses in brackets, '*.suffix', or '*' for all.")]
    [TestCase("--AllowedHosts", "::2", ExpectedResult = "Option 'AllowedHosts' has '::2'; it must hold hosts without a port, IPv6 addresses in brackets, '*.suffix', or '*' for all.")]
    [TestCase("--AllowedHosts", "*.", ExpectedResult = "Option 'AllowedHosts' has '*.'; it must hold hosts without a port, IPv6 addresses in brackets, '*.suffix', or '*' for all.")]
    [TestCase("--AllowedHosts", "a*.example", ExpectedResult = "Option 'AllowedHosts' has 'a*.example'; it must hold hosts without a port, IPv6 addresses in brackets, '*.suffix', or '*' for all.")]
    [TestCase("--DataDirectory", " ", ExpectedResult = "Option 'DataDirectory' is empty; it must name a directory.")]
    public string Read_BadSettings_StopTheStart(params string[] arguments) =>
        Assert.Throws<SettingsException>(() => Read(arguments: arguments))!.Message;

    [Test]
    public void Read_UnknownVariable_IsOnlyNoted() =>
        Assert.That(Read(environment: new() { ["MOORCHEH_API_KEY"] = "x" }).UnknownVariables, Is.EqualTo(new[] { "MOORCHEH_API_KEY" }));

    [TestCase("0.0.0.0")]
    [TestCase("::")]
    [TestCase("192.168.1.5")]
    public void Read_BeyondLoopbackWithoutKey_StopsTheStart(string host)
    {
        string message = Assert.Throws<SettingsException>(() => Read(arguments: ["--ServerHost", host]))!.Message;

        Assert.That(message, Does.StartWith($"Refusing to listen on '{host}'"));
        Assert.That(Read(arguments: ["--ServerHost", host, "--ApiKeys", "secret"]).Http.ApiKeys, Is.EqualTo(new[] { "secret" }));
        Assert.That(Read(arguments: ["--ServerHost", host, "--AllowAnonymous", "true"]).Sidecar.AllowAnonymous);
    }

    [TestCase("127.0.0.1")]
    [TestCase("127.1.2.3")]
    [TestCase("::1")]
    [TestCase("localhost")]
    public void Read_Loopback_NeedsNoKey(string host) => Assert.That(() => Read(arguments: ["--ServerHost", host]), Throws.Nothing);

    [Test]
    public void Validate_EmptyKey_IsRefused() =>
        Assert.That(() => new MoorchehHttpOptions { ApiKeys = [""] }.Validate(), Throws.ArgumentException.With.Message.Contains("ApiKeys"));

    private static SidecarSettings Read(
        Dictionary<string, string?>? file = null, Dictionary<string, string>? environment = null, params string[] arguments) =>
        SidecarSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(file ?? []).Build(), environment ?? [], arguments);
}
