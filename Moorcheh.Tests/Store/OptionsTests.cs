using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Store;

internal sealed class OptionsTests
{
    [Test]
    public void Defaults_AreThePublishedOnes()
    {
        var options = new MoorchehOptions();
        Assert.That(options.EmbeddingGenerator, Is.Null);
        Assert.That(options.TimeProvider, Is.SameAs(TimeProvider.System));
        Assert.That(options.LoggerFactory, Is.SameAs(NullLoggerFactory.Instance));
        Assert.That(options.MemoryBudgetBytes, Is.EqualTo(256L << 20));
        Assert.That(options.MaxNamespaces, Is.EqualTo(10_000));
        Assert.That(options.MaxItems, Is.EqualTo(100_000));
        Assert.That(options.MaxUploadItems, Is.EqualTo(10_000));
        Assert.That(options.MaxTextBytes, Is.EqualTo(1 << 20));
        Assert.That(options.MaxMetadataBytes, Is.EqualTo(64 << 10));
        Assert.That(options.MaxPendingJobs, Is.EqualTo(1000));
        Assert.That(options.MaxPendingBytes, Is.EqualTo(2L << 30));
        Assert.That(options.JobWorkers, Is.EqualTo(4));
        Assert.That(options.FinishedJobDays, Is.EqualTo(7));
        Assert.That(options.MaxFinishedJobs, Is.EqualTo(10_000));
        Assert.That(options.EmbedAttempts, Is.EqualTo(3));
        Assert.That(options.DeleteAttempts, Is.EqualTo(5));
        Assert.That(options.EmbedBatchItems, Is.EqualTo(64));
        Assert.That(options.ShutdownSeconds, Is.EqualTo(30));
        Assert.That(options.CheckpointSeconds, Is.EqualTo(300));
        Assert.That(options.CheckpointJournalBytes, Is.EqualTo(512L << 20));
        Assert.That(options.MaxJournalBytes, Is.EqualTo(8L << 30));
        Assert.That(options.EmbedSeconds, Is.EqualTo(300));
        Assert.That(options.MinFreeBytes, Is.EqualTo(64L << 20));
        Assert.That((options.CountTokens("12345"), options.CountTokens("äö"), options.CountTokens("")), Is.EqualTo((2, 1, 0)));
        Assert.That(options.DocumentReaders, Is.Empty);
        Assert.That(options.UriReader, Is.Null);
        Assert.That(options.ChunkTokens, Is.EqualTo(384));
        Assert.That(options.MaxArtifactChunks, Is.EqualTo(10_000));
        Assert.That(options.MaxPendingTasks, Is.EqualTo(1000));
        Assert.That(options.MaxPendingDeletes, Is.EqualTo(10_000));
        Assert.That(options.MaxPendingCallbackBytes, Is.EqualTo(64L << 20));
        Assert.That(options.TaskWorkers, Is.EqualTo(4));
        Assert.That(options.CallbackPublisher, Is.Null);
        Assert.That(options.CallbackRetryHours, Is.EqualTo(24));
        Assert.That(options.MaxOutboxMessages, Is.EqualTo(100_000));
        Assert.That(MoorchehOptions.MinMemoryBudgetBytes, Is.EqualTo(32L << 20));
        Assert.That(
            typeof(MoorchehOptions).GetProperties(), Has.Length.EqualTo(35), "A new setting needs its default here and its range below.");
        Assert.That(options.Validate, Throws.Nothing);
    }

    private static IEnumerable<TestCaseData> OutOfRange()
    {
        yield return Case(o => o.MemoryBudgetBytes = (32L << 20) - 1, "Option 'MemoryBudgetBytes' is 33554431; it must be at least 33554432.");
        yield return Case(o => o.MaxNamespaces = -1, "Option 'MaxNamespaces' is -1; it must be 0 or more.");
        yield return Case(o => o.MaxItems = -1, "Option 'MaxItems' is -1; it must be 0 or more.");
        yield return Case(o => o.MaxUploadItems = 0, "Option 'MaxUploadItems' is 0; it must be 1 or more.");
        yield return Case(o => o.MaxTextBytes = 0, "Option 'MaxTextBytes' is 0; it must be from 1 to 1048576.");
        yield return Case(o => o.MaxTextBytes = (1 << 20) + 1, "Option 'MaxTextBytes' is 1048577; it must be from 1 to 1048576.");
        yield return Case(o => o.MaxMetadataBytes = 1, "Option 'MaxMetadataBytes' is 1; it must be from 2 to 65536.");
        yield return Case(o => o.MaxMetadataBytes = 65537, "Option 'MaxMetadataBytes' is 65537; it must be from 2 to 65536.");
        yield return Case(o => o.MaxPendingJobs = 0, "Option 'MaxPendingJobs' is 0; it must be 1 or more.");
        yield return Case(o => o.MaxPendingBytes = 0, "Option 'MaxPendingBytes' is 0; it must be 1 or more.");
        yield return Case(o => o.JobWorkers = 0, "Option 'JobWorkers' is 0; it must be from 1 to 64.");
        yield return Case(o => o.JobWorkers = 65, "Option 'JobWorkers' is 65; it must be from 1 to 64.");
        yield return Case(o => o.FinishedJobDays = -1, "Option 'FinishedJobDays' is -1; it must be 0 or more.");
        yield return Case(o => o.MaxFinishedJobs = -1, "Option 'MaxFinishedJobs' is -1; it must be 0 or more.");
        yield return Case(o => o.EmbedAttempts = 0, "Option 'EmbedAttempts' is 0; it must be 1 or more.");
        yield return Case(o => o.DeleteAttempts = 0, "Option 'DeleteAttempts' is 0; it must be 1 or more.");
        yield return Case(o => o.EmbedBatchItems = 0, "Option 'EmbedBatchItems' is 0; it must be from 1 to 10000.");
        yield return Case(o => o.EmbedBatchItems = 10_001, "Option 'EmbedBatchItems' is 10001; it must be from 1 to 10000.");
        yield return Case(o => o.ShutdownSeconds = -1, "Option 'ShutdownSeconds' is -1; it must be 0 or more.");
        yield return Case(o => o.CheckpointSeconds = 0, "Option 'CheckpointSeconds' is 0; it must be 1 or more.");
        yield return Case(o => o.CheckpointJournalBytes = (1 << 20) - 1, "Option 'CheckpointJournalBytes' is 1048575; it must be at least 1048576.");
        yield return Case(o => o.MaxJournalBytes = (1 << 20) - 1, "Option 'MaxJournalBytes' is 1048575; it must be at least 1048576.");
        yield return Case(o => o.EmbedSeconds = 0, "Option 'EmbedSeconds' is 0; it must be 1 or more.");
        yield return Case(o => o.MinFreeBytes = -1, "Option 'MinFreeBytes' is -1; it must be 0 or more.");
        yield return Case(o => o.CountTokens = null!, "Option 'CountTokens' is null; it must be set.");
        yield return Case(o => o.ChunkTokens = 31, "Option 'ChunkTokens' is 31; it must be from 32 to 8192.");
        yield return Case(o => o.ChunkTokens = 8193, "Option 'ChunkTokens' is 8193; it must be from 32 to 8192.");
        yield return Case(o => o.MaxArtifactChunks = 0, "Option 'MaxArtifactChunks' is 0; it must be from 1 to 200000.");
        yield return Case(o => o.MaxArtifactChunks = 200_001, "Option 'MaxArtifactChunks' is 200001; it must be from 1 to 200000.");
        yield return Case(o => o.MaxPendingTasks = 0, "Option 'MaxPendingTasks' is 0; it must be 1 or more.");
        yield return Case(o => o.MaxPendingDeletes = 0, "Option 'MaxPendingDeletes' is 0; it must be 1 or more.");
        yield return Case(o => o.MaxPendingCallbackBytes = 0, "Option 'MaxPendingCallbackBytes' is 0; it must be 1 or more.");
        yield return Case(o => o.TaskWorkers = 0, "Option 'TaskWorkers' is 0; it must be from 1 to 64.");
        yield return Case(o => o.TaskWorkers = 65, "Option 'TaskWorkers' is 65; it must be from 1 to 64.");
        yield return Case(o => o.CallbackRetryHours = 0, "Option 'CallbackRetryHours' is 0; it must be from 1 to 8760.");
        yield return Case(o => o.CallbackRetryHours = 8761, "Option 'CallbackRetryHours' is 8761; it must be from 1 to 8760.");
        yield return Case(o => o.MaxOutboxMessages = 0, "Option 'MaxOutboxMessages' is 0; it must be 1 or more.");
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
                MemoryBudgetBytes = MoorchehOptions.MinMemoryBudgetBytes,
                MaxNamespaces = 0,
                MaxItems = 0,
                MaxUploadItems = 1,
                MaxTextBytes = 1,
                MaxMetadataBytes = 2,
                MaxPendingJobs = 1,
                MaxPendingBytes = 1,
                JobWorkers = 64,
                FinishedJobDays = 0,
                MaxFinishedJobs = 0,
                EmbedAttempts = 1,
                DeleteAttempts = 1,
                EmbedBatchItems = 10_000,
                ShutdownSeconds = 0,
                CheckpointSeconds = 1,
                CheckpointJournalBytes = 1 << 20,
                MaxJournalBytes = 1 << 20,
                MinFreeBytes = 0,
                ChunkTokens = 32,
                MaxArtifactChunks = 200_000,
                MaxPendingTasks = 1,
                MaxPendingDeletes = 1,
                MaxPendingCallbackBytes = 1,
                TaskWorkers = 64,
                CallbackRetryHours = 8760,
                MaxOutboxMessages = 1,
            }.Validate,
            Throws.Nothing);
}
