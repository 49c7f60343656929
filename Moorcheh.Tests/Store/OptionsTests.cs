using Microsoft.Extensions.Logging.Abstractions;

namespace Moorcheh.Tests.Store;

internal sealed class OptionsTests
{
    [Test]
    public void Defaults_AreThePublishedOnes()
    {
        var options = new MoorchehOptions();
        Assert.That(options.Embedding.Generator, Is.Null);
        Assert.That(options.TimeProvider, Is.SameAs(TimeProvider.System));
        Assert.That(options.LoggerFactory, Is.SameAs(NullLoggerFactory.Instance));
        Assert.That(options.Storage.MemoryBudgetBytes, Is.EqualTo(256L << 20));
        Assert.That(options.Limits.MaxNamespaces, Is.EqualTo(10_000));
        Assert.That(options.Limits.MaxItems, Is.EqualTo(100_000));
        Assert.That(options.Limits.MaxUploadItems, Is.EqualTo(10_000));
        Assert.That(options.Limits.MaxTextBytes, Is.EqualTo(1 << 20));
        Assert.That(options.Limits.MaxMetadataBytes, Is.EqualTo(64 << 10));
        Assert.That(options.Jobs.MaxPending, Is.EqualTo(1000));
        Assert.That(options.Jobs.MaxPendingBytes, Is.EqualTo(2L << 30));
        Assert.That(options.Jobs.Workers, Is.EqualTo(4));
        Assert.That(options.Jobs.FinishedRetention, Is.EqualTo(TimeSpan.FromDays(7)));
        Assert.That(options.Jobs.MaxFinished, Is.EqualTo(10_000));
        Assert.That(options.Embedding.Attempts, Is.EqualTo(3));
        Assert.That(options.Jobs.DeleteAttempts, Is.EqualTo(5));
        Assert.That(options.Embedding.BatchItems, Is.EqualTo(64));
        Assert.That(options.ShutdownTimeout, Is.EqualTo(TimeSpan.FromSeconds(30)));
        Assert.That(options.Storage.CheckpointInterval, Is.EqualTo(TimeSpan.FromSeconds(300)));
        Assert.That(options.Storage.CheckpointJournalBytes, Is.EqualTo(512L << 20));
        Assert.That(options.Storage.MaxJournalBytes, Is.EqualTo(8L << 30));
        Assert.That(options.Embedding.Timeout, Is.EqualTo(TimeSpan.FromSeconds(300)));
        Assert.That(options.Storage.MinFreeBytes, Is.EqualTo(64L << 20));
        Assert.That((options.Embedding.CountTokens("12345"), options.Embedding.CountTokens("äö"), options.Embedding.CountTokens("")), Is.EqualTo((2, 1, 0)));
        Assert.That(options.Artifacts.Readers, Is.Empty);
        Assert.That(options.Artifacts.UriReader, Is.Null);
        Assert.That(options.Artifacts.ChunkTokens, Is.EqualTo(384));
        Assert.That(options.Artifacts.MaxChunks, Is.EqualTo(10_000));
        Assert.That(options.Artifacts.MaxPendingTasks, Is.EqualTo(1000));
        Assert.That(options.Artifacts.MaxPendingDeletes, Is.EqualTo(10_000));
        Assert.That(options.Artifacts.MaxPendingCallbackBytes, Is.EqualTo(64L << 20));
        Assert.That(options.Artifacts.Workers, Is.EqualTo(4));
        Assert.That(options.Artifacts.CallbackPublisher, Is.Null);
        Assert.That(options.Artifacts.CallbackRetention, Is.EqualTo(TimeSpan.FromHours(24)));
        Assert.That(options.Artifacts.MaxWaitingCallbacks, Is.EqualTo(100_000));
        Assert.That(
            SettingsOf(typeof(MoorchehOptions)), Has.Count.EqualTo(35), "A new setting needs its default here and its range below.");
        Assert.That(options.Validate, Throws.Nothing);
    }

    private static IEnumerable<TestCaseData> OutOfRange()
    {
        yield return Case(o => o.Storage.MemoryBudgetBytes = (32L << 20) - 1, "Option 'Storage.MemoryBudgetBytes' is 33554431; it must be at least 33554432.");
        yield return Case(o => o.Limits.MaxNamespaces = -1, "Option 'Limits.MaxNamespaces' is -1; it must be 0 or more.");
        yield return Case(o => o.Limits.MaxItems = -1, "Option 'Limits.MaxItems' is -1; it must be 0 or more.");
        yield return Case(o => o.Limits.MaxUploadItems = 0, "Option 'Limits.MaxUploadItems' is 0; it must be 1 or more.");
        yield return Case(o => o.Limits.MaxTextBytes = 0, "Option 'Limits.MaxTextBytes' is 0; it must be from 1 to 1048576.");
        yield return Case(o => o.Limits.MaxTextBytes = (1 << 20) + 1, "Option 'Limits.MaxTextBytes' is 1048577; it must be from 1 to 1048576.");
        yield return Case(o => o.Limits.MaxMetadataBytes = 1, "Option 'Limits.MaxMetadataBytes' is 1; it must be from 2 to 65536.");
        yield return Case(o => o.Limits.MaxMetadataBytes = 65537, "Option 'Limits.MaxMetadataBytes' is 65537; it must be from 2 to 65536.");
        yield return Case(o => o.Jobs.MaxPending = 0, "Option 'Jobs.MaxPending' is 0; it must be 1 or more.");
        yield return Case(o => o.Jobs.MaxPendingBytes = 0, "Option 'Jobs.MaxPendingBytes' is 0; it must be 1 or more.");
        yield return Case(o => o.Jobs.Workers = 0, "Option 'Jobs.Workers' is 0; it must be from 1 to 64.");
        yield return Case(o => o.Jobs.Workers = 65, "Option 'Jobs.Workers' is 65; it must be from 1 to 64.");
        yield return Case(o => o.Jobs.FinishedRetention = TimeSpan.FromDays(-1), "Option 'Jobs.FinishedRetention' is -1.00:00:00; it must be from 00:00:00 to 36500.00:00:00.");
        yield return Case(o => o.Jobs.MaxFinished = -1, "Option 'Jobs.MaxFinished' is -1; it must be 0 or more.");
        yield return Case(o => o.Embedding.Attempts = 0, "Option 'Embedding.Attempts' is 0; it must be 1 or more.");
        yield return Case(o => o.Jobs.DeleteAttempts = 0, "Option 'Jobs.DeleteAttempts' is 0; it must be 1 or more.");
        yield return Case(o => o.Embedding.BatchItems = 0, "Option 'Embedding.BatchItems' is 0; it must be from 1 to 10000.");
        yield return Case(o => o.Embedding.BatchItems = 10_001, "Option 'Embedding.BatchItems' is 10001; it must be from 1 to 10000.");
        yield return Case(o => o.ShutdownTimeout = TimeSpan.FromSeconds(-1), "Option 'ShutdownTimeout' is -00:00:01; it must be from 00:00:00 to 24.00:00:00.");
        yield return Case(o => o.Storage.CheckpointInterval = TimeSpan.FromSeconds(0), "Option 'Storage.CheckpointInterval' is 00:00:00; it must be from 00:00:01 to 24.00:00:00.");
        yield return Case(o => o.Storage.CheckpointJournalBytes = (1 << 20) - 1, "Option 'Storage.CheckpointJournalBytes' is 1048575; it must be at least 1048576.");
        yield return Case(o => o.Storage.MaxJournalBytes = (1 << 20) - 1, "Option 'Storage.MaxJournalBytes' is 1048575; it must be at least 1048576.");
        yield return Case(o => o.Embedding.Timeout = TimeSpan.FromSeconds(0), "Option 'Embedding.Timeout' is 00:00:00; it must be from 00:00:01 to 24.00:00:00.");
        yield return Case(o => o.Storage.MinFreeBytes = -1, "Option 'Storage.MinFreeBytes' is -1; it must be 0 or more.");
        yield return Case(o => o.Embedding.CountTokens = null!, "Option 'Embedding.CountTokens' is null; it must be set.");
        yield return Case(o => o.Artifacts.ChunkTokens = 31, "Option 'Artifacts.ChunkTokens' is 31; it must be from 32 to 8192.");
        yield return Case(o => o.Artifacts.ChunkTokens = 8193, "Option 'Artifacts.ChunkTokens' is 8193; it must be from 32 to 8192.");
        yield return Case(o => o.Artifacts.MaxChunks = 0, "Option 'Artifacts.MaxChunks' is 0; it must be from 1 to 200000.");
        yield return Case(o => o.Artifacts.MaxChunks = 200_001, "Option 'Artifacts.MaxChunks' is 200001; it must be from 1 to 200000.");
        yield return Case(o => o.Artifacts.MaxPendingTasks = 0, "Option 'Artifacts.MaxPendingTasks' is 0; it must be 1 or more.");
        yield return Case(o => o.Artifacts.MaxPendingDeletes = 0, "Option 'Artifacts.MaxPendingDeletes' is 0; it must be 1 or more.");
        yield return Case(o => o.Artifacts.MaxPendingCallbackBytes = 0, "Option 'Artifacts.MaxPendingCallbackBytes' is 0; it must be 1 or more.");
        yield return Case(o => o.Artifacts.Workers = 0, "Option 'Artifacts.Workers' is 0; it must be from 1 to 64.");
        yield return Case(o => o.Artifacts.Workers = 65, "Option 'Artifacts.Workers' is 65; it must be from 1 to 64.");
        yield return Case(o => o.Artifacts.CallbackRetention = TimeSpan.FromHours(0), "Option 'Artifacts.CallbackRetention' is 00:00:00; it must be from 01:00:00 to 365.00:00:00.");
        yield return Case(o => o.Artifacts.CallbackRetention = TimeSpan.FromHours(8761), "Option 'Artifacts.CallbackRetention' is 365.01:00:00; it must be from 01:00:00 to 365.00:00:00.");
        yield return Case(o => o.Artifacts.MaxWaitingCallbacks = 0, "Option 'Artifacts.MaxWaitingCallbacks' is 0; it must be 1 or more.");
        yield return Case(o => o.TimeProvider = null!, "Option 'TimeProvider' is null; it must be set.");
        yield return Case(o => o.LoggerFactory = null!, "Option 'LoggerFactory' is null; it must be set.");

        static TestCaseData Case(Action<MoorchehOptions> set, string message) => new TestCaseData(set, message).SetArgDisplayNames(message.Split(';')[0]);
    }

    [TestCaseSource(nameof(OutOfRange))]
    public void Open_OptionOutOfRange_NamesOptionValueAndRule(Action<MoorchehOptions> set, string message)
    {
        using var directory = new TemporaryDirectory();
        var options = new MoorchehOptions();
        set(options);
        Assert.That(async () => await MoorchehStore.OpenAsync(directory.Path, options), Throws.ArgumentException.With.Message.EqualTo(message));
        Assert.That(Directory.EnumerateFileSystemEntries(directory.Path), Is.Empty);
    }

    [Test]
    public void Validate_AtTheEdges_IsFine() =>
        Assert.That(
            new MoorchehOptions
            {
                Storage =
                {
                    MemoryBudgetBytes = 32 << 20,
                    CheckpointInterval = TimeSpan.FromSeconds(1),
                    CheckpointJournalBytes = 1 << 20,
                    MaxJournalBytes = 1 << 20,
                    MinFreeBytes = 0,
                },
                Limits = { MaxNamespaces = 0, MaxItems = 0, MaxUploadItems = 1, MaxTextBytes = 1, MaxMetadataBytes = 2 },
                Jobs =
                {
                    MaxPending = 1,
                    MaxPendingBytes = 1,
                    Workers = 64,
                    FinishedRetention = TimeSpan.Zero,
                    MaxFinished = 0,
                    DeleteAttempts = 1,
                },
                Embedding = { Attempts = 1, BatchItems = 10_000, Timeout = TimeSpan.FromSeconds(1) },
                Artifacts =
                {
                    ChunkTokens = 32,
                    MaxChunks = 200_000,
                    MaxPendingTasks = 1,
                    MaxPendingDeletes = 1,
                    MaxPendingCallbackBytes = 1,
                    Workers = 64,
                    CallbackRetention = TimeSpan.FromHours(8760),
                    MaxWaitingCallbacks = 1,
                },
                ShutdownTimeout = TimeSpan.Zero,
            }.Validate,
            Throws.Nothing);

    /// <summary>The settings of a class of options and of the groups in it.</summary>
    private static List<string> SettingsOf(Type type) =>
    [
        .. type.GetProperties().SelectMany(property => property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal)
            ? SettingsOf(property.PropertyType).Select(name => $"{property.Name}.{name}")
            : [property.Name]),
    ];
}
