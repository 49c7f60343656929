namespace Moorcheh.Sidecar;

/// <summary>
/// The settings of the store as the sidecar calls them: one flat list, times as whole numbers with the unit in the name. Their defaults are those of
/// <see cref="MoorchehOptions"/>.
/// </summary>
internal sealed class StoreSettings
{
    private const int LongestTimerSeconds = 24 * 24 * 3600;

    private static readonly MoorchehOptions Defaults = new();

    // Settings that the options call by another name.
    private static readonly Dictionary<string, string> NamesByOption = new()
    {
        ["Artifacts.MaxChunks"] = nameof(MaxArtifactChunks),
        ["Artifacts.Workers"] = nameof(TaskWorkers),
        ["Artifacts.MaxWaitingCallbacks"] = nameof(MaxOutboxMessages),
        ["Jobs.MaxPending"] = nameof(MaxPendingJobs),
        ["Jobs.Workers"] = nameof(JobWorkers),
        ["Jobs.MaxFinished"] = nameof(MaxFinishedJobs),
        ["Embedding.Attempts"] = nameof(EmbedAttempts),
        ["Embedding.BatchItems"] = nameof(EmbedBatchItems),
    };

    public int ChunkTokens { get; set; } = Defaults.Artifacts.ChunkTokens;

    public int MaxArtifactChunks { get; set; } = Defaults.Artifacts.MaxChunks;

    public int MaxPendingTasks { get; set; } = Defaults.Artifacts.MaxPendingTasks;

    public int MaxPendingDeletes { get; set; } = Defaults.Artifacts.MaxPendingDeletes;

    public long MaxPendingCallbackBytes { get; set; } = Defaults.Artifacts.MaxPendingCallbackBytes;

    public int TaskWorkers { get; set; } = Defaults.Artifacts.Workers;

    public int CallbackRetryHours { get; set; } = (int)Defaults.Artifacts.CallbackRetention.TotalHours;

    public int MaxOutboxMessages { get; set; } = Defaults.Artifacts.MaxWaitingCallbacks;

    public long MemoryBudgetBytes { get; set; } = Defaults.Storage.MemoryBudgetBytes;

    public int MaxNamespaces { get; set; } = Defaults.Limits.MaxNamespaces;

    public long MaxItems { get; set; } = Defaults.Limits.MaxItems;

    public int MaxUploadItems { get; set; } = Defaults.Limits.MaxUploadItems;

    public int MaxTextBytes { get; set; } = Defaults.Limits.MaxTextBytes;

    public int MaxMetadataBytes { get; set; } = Defaults.Limits.MaxMetadataBytes;

    public int MaxPendingJobs { get; set; } = Defaults.Jobs.MaxPending;

    public long MaxPendingBytes { get; set; } = Defaults.Jobs.MaxPendingBytes;

    public int JobWorkers { get; set; } = Defaults.Jobs.Workers;

    public int FinishedJobDays { get; set; } = (int)Defaults.Jobs.FinishedRetention.TotalDays;

    public int MaxFinishedJobs { get; set; } = Defaults.Jobs.MaxFinished;

    public int EmbedAttempts { get; set; } = Defaults.Embedding.Attempts;

    public int DeleteAttempts { get; set; } = Defaults.Jobs.DeleteAttempts;

    public int EmbedBatchItems { get; set; } = Defaults.Embedding.BatchItems;

    public int ShutdownSeconds { get; set; } = (int)Defaults.ShutdownTimeout.TotalSeconds;

    public int CheckpointSeconds { get; set; } = (int)Defaults.Storage.CheckpointInterval.TotalSeconds;

    public long CheckpointJournalBytes { get; set; } = Defaults.Storage.CheckpointJournalBytes;

    public long MaxJournalBytes { get; set; } = Defaults.Storage.MaxJournalBytes;

    public int EmbedSeconds { get; set; } = (int)Defaults.Embedding.Timeout.TotalSeconds;

    public long MinFreeBytes { get; set; } = Defaults.Storage.MinFreeBytes;

    /// <summary>Checks every setting.</summary>
    /// <exception cref="SettingsException">One is out of range.</exception>
    public void Check()
    {
        RequireRange(nameof(FinishedJobDays), FinishedJobDays, 0, 36_500);
        RequireRange(nameof(ShutdownSeconds), ShutdownSeconds, 0, LongestTimerSeconds);
        RequireRange(nameof(CheckpointSeconds), CheckpointSeconds, 1, LongestTimerSeconds);
        RequireRange(nameof(EmbedSeconds), EmbedSeconds, 1, LongestTimerSeconds);
        RequireRange(nameof(CallbackRetryHours), CallbackRetryHours, 1, 24 * 365);
        var options = new MoorchehOptions();
        ApplyTo(options);
        try
        {
            options.Validate();
        }
        catch (ArgumentException e)
        {
            throw new SettingsException(Rename(e.Message));
        }
    }

    /// <summary>Gives the settings, which were checked, to the options of a store.</summary>
    public void ApplyTo(MoorchehOptions options)
    {
        options.Artifacts.ChunkTokens = ChunkTokens;
        options.Artifacts.MaxChunks = MaxArtifactChunks;
        options.Artifacts.MaxPendingTasks = MaxPendingTasks;
        options.Artifacts.MaxPendingDeletes = MaxPendingDeletes;
        options.Artifacts.MaxPendingCallbackBytes = MaxPendingCallbackBytes;
        options.Artifacts.Workers = TaskWorkers;
        options.Artifacts.CallbackRetention = TimeSpan.FromHours(CallbackRetryHours);
        options.Artifacts.MaxWaitingCallbacks = MaxOutboxMessages;
        options.Storage.MemoryBudgetBytes = MemoryBudgetBytes;
        options.Limits.MaxNamespaces = MaxNamespaces;
        options.Limits.MaxItems = MaxItems;
        options.Limits.MaxUploadItems = MaxUploadItems;
        options.Limits.MaxTextBytes = MaxTextBytes;
        options.Limits.MaxMetadataBytes = MaxMetadataBytes;
        options.Jobs.MaxPending = MaxPendingJobs;
        options.Jobs.MaxPendingBytes = MaxPendingBytes;
        options.Jobs.Workers = JobWorkers;
        options.Jobs.FinishedRetention = TimeSpan.FromDays(FinishedJobDays);
        options.Jobs.MaxFinished = MaxFinishedJobs;
        options.Embedding.Attempts = EmbedAttempts;
        options.Jobs.DeleteAttempts = DeleteAttempts;
        options.Embedding.BatchItems = EmbedBatchItems;
        options.ShutdownTimeout = TimeSpan.FromSeconds(ShutdownSeconds);
        options.Storage.CheckpointInterval = TimeSpan.FromSeconds(CheckpointSeconds);
        options.Storage.CheckpointJournalBytes = CheckpointJournalBytes;
        options.Storage.MaxJournalBytes = MaxJournalBytes;
        options.Embedding.Timeout = TimeSpan.FromSeconds(EmbedSeconds);
        options.Storage.MinFreeBytes = MinFreeBytes;
    }

    private static string Rename(string message)
    {
        string option = message.Split('\'')[1];
        return message.Replace($"'{option}'", $"'{NamesByOption.GetValueOrDefault(option, option[(option.IndexOf('.') + 1)..])}'", StringComparison.Ordinal);
    }

    private static void RequireRange(string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new SettingsException($"Option '{name}' is {value}; it must be from {least} to {most}.");
        }
    }
}
