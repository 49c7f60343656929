using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Artifacts;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh;

/// <summary>Settings of a <see cref="MoorchehStore"/>, read once when it is opened.</summary>
public sealed class MoorchehOptions
{
    /// <summary>Memory and disk.</summary>
    public StorageOptions Storage { get; } = new();

    /// <summary>Uploads and namespace deletes.</summary>
    public JobOptions Jobs { get; } = new();

    /// <summary>How much the store holds and takes.</summary>
    public LimitOptions Limits { get; } = new();

    /// <summary>How texts become vectors.</summary>
    public EmbeddingOptions Embedding { get; } = new();

    /// <summary>Documents, and messages about them.</summary>
    public ArtifactOptions Artifacts { get; } = new();

    /// <summary>
    /// The longest that closing waits for running jobs to reach a safe point, up to 24 days; 30 s by default. What is left goes on when the
    /// store is opened again.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Clock of the store. Default: the system clock.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where the store logs. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; set; } = NullLoggerFactory.Instance;

    /// <summary>Where files are written; another one in tests.</summary>
    internal Disk Disk { get; set; } = Disk.Default;

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it, its value and the rule.</exception>
    public void Validate()
    {
        Storage.Validate();
        Jobs.Validate();
        Limits.Validate();
        Embedding.Validate();
        Artifacts.Validate();
        OptionRule.InRange(nameof(ShutdownTimeout), ShutdownTimeout, TimeSpan.Zero, OptionRule.LongestTimer);
        OptionRule.Set(nameof(TimeProvider), TimeProvider);
        OptionRule.Set(nameof(LoggerFactory), LoggerFactory);
    }

    internal ILogger CreateLogger() => new QuietLogger(LoggerFactory.CreateLogger("Moorcheh"));
}
