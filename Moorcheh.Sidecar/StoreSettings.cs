namespace Moorcheh.Sidecar;

/// <summary>
/// The settings of the store as the sidecar calls them: one flat list, times as whole numbers with the unit in the name. Reads and writes
/// the <see cref="MoorchehOptions"/> it is given.
/// </summary>
internal sealed class StoreSettings(MoorchehOptions options)
{
    private const int LongestTimerSeconds = 24 * 24 * 3600;

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

    public int ChunkTokens
    {
        get => options.Artifacts.ChunkTokens;
        set => options.Artifacts.ChunkTokens = value;
    }

    public int MaxArtifactChunks
    {
        get => options.Artifacts.MaxChunks;
        set => options.Artifacts.MaxChunks = value;
    }

    public int MaxPendingTasks
    {
        get => options.Artifacts.MaxPendingTasks;
        set => options.Artifacts.MaxPendingTasks = value;
    }

    public int MaxPendingDeletes
    {
        get => options.Artifacts.MaxPendingDeletes;
        set => options.Artifacts.MaxPendingDeletes = value;
    }

    public long MaxPendingCallbackBytes
    {
        get => options.Artifacts.MaxPendingCallbackBytes;
        set => options.Artifacts.MaxPendingCallbackBytes = value;
    }

    public int TaskWorkers
    {
        get => options.Artifacts.Workers;
        set => options.Artifacts.Workers = value;
    }

    public int CallbackRetryHours
    {
        get => (int)options.Artifacts.CallbackRetention.TotalHours;
        set => options.Artifacts.CallbackRetention = TimeSpan.FromHours(value);
    }

    public int MaxOutboxMessages
    {
        get => options.Artifacts.MaxWaitingCallbacks;
        set => options.Artifacts.MaxWaitingCallbacks = value;
    }

    public long MemoryBudgetBytes
    {
        get => options.Storage.MemoryBudgetBytes;
        set => options.Storage.MemoryBudgetBytes = value;
    }

    public int MaxNamespaces
    {
        get => options.Limits.MaxNamespaces;
        set => options.Limits.MaxNamespaces = value;
    }

    public long MaxItems
    {
        get => options.Limits.MaxItems;
        set => options.Limits.MaxItems = value;
    }

    public int MaxUploadItems
    {
        get => options.Limits.MaxUploadItems;
        set => options.Limits.MaxUploadItems = value;
    }

    public int MaxTextBytes
    {
        get => options.Limits.MaxTextBytes;
        set => options.Limits.MaxTextBytes = value;
    }

    public int MaxMetadataBytes
    {
        get => options.Limits.MaxMetadataBytes;
        set => options.Limits.MaxMetadataBytes = value;
    }

    public int MaxPendingJobs
    {
        get => options.Jobs.MaxPending;
        set => options.Jobs.MaxPending = value;
    }

    public long MaxPendingBytes
    {
        get => options.Jobs.MaxPendingBytes;
        set => options.Jobs.MaxPendingBytes = value;
    }

    public int JobWorkers
    {
        get => options.Jobs.Workers;
        set => options.Jobs.Workers = value;
    }

    public int FinishedJobDays
    {
        get => (int)options.Jobs.FinishedRetention.TotalDays;
        set => options.Jobs.FinishedRetention = TimeSpan.FromDays(value);
    }

    public int MaxFinishedJobs
    {
        get => options.Jobs.MaxFinished;
        set => options.Jobs.MaxFinished = value;
    }

    public int EmbedAttempts
    {
        get => options.Embedding.Attempts;
        set => options.Embedding.Attempts = value;
    }

    public int DeleteAttempts
    {
        get => options.Jobs.DeleteAttempts;
        set => options.Jobs.DeleteAttempts = value;
    }

    public int EmbedBatchItems
    {
        get => options.Embedding.BatchItems;
        set => options.Embedding.BatchItems = value;
    }

    public int ShutdownSeconds
    {
        get => (int)options.ShutdownTimeout.TotalSeconds;
        set => options.ShutdownTimeout = TimeSpan.FromSeconds(value);
    }

    public int CheckpointSeconds
    {
        get => (int)options.Storage.CheckpointInterval.TotalSeconds;
        set => options.Storage.CheckpointInterval = TimeSpan.FromSeconds(value);
    }

    public long CheckpointJournalBytes
    {
        get => options.Storage.CheckpointJournalBytes;
        set => options.Storage.CheckpointJournalBytes = value;
    }

    public long MaxJournalBytes
    {
        get => options.Storage.MaxJournalBytes;
        set => options.Storage.MaxJournalBytes = value;
    }

    public int EmbedSeconds
    {
        get => (int)options.Embedding.Timeout.TotalSeconds;
        set => options.Embedding.Timeout = TimeSpan.FromSeconds(value);
    }

    public long MinFreeBytes
    {
        get => options.Storage.MinFreeBytes;
        set => options.Storage.MinFreeBytes = value;
    }

    /// <summary>Checks every setting.</summary>
    /// <exception cref="SettingsException">One is out of range.</exception>
    public void Check()
    {
        RequireRange(nameof(FinishedJobDays), FinishedJobDays, 0, 36_500);
        RequireRange(nameof(ShutdownSeconds), ShutdownSeconds, 0, LongestTimerSeconds);
        RequireRange(nameof(CheckpointSeconds), CheckpointSeconds, 1, LongestTimerSeconds);
        RequireRange(nameof(EmbedSeconds), EmbedSeconds, 1, LongestTimerSeconds);
        RequireRange(nameof(CallbackRetryHours), CallbackRetryHours, 1, 24 * 365);
        try
        {
            options.Validate();
        }
        catch (ArgumentException e)
        {
            throw new SettingsException(Rename(e.Message));
        }
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
