namespace Moorcheh.Tests.Faults;

/// <summary>A disk that can be told not to say how much room it has, and not to rename certain files.</summary>
internal sealed class MoodyDisk : VolatileDisk
{
    private int _questions;
    private int _refusedMoves;

    /// <summary>What it says is free; null for the truth.</summary>
    public long? Free { get; set; }

    /// <summary>True: the question for free space fails.</summary>
    public volatile bool IsSilent;

    /// <summary>Renaming to a path that ends so fails; null for none.</summary>
    public volatile string? StuckSuffix;

    /// <summary>Questions for free space that failed.</summary>
    public int FailedQuestions => Volatile.Read(ref _questions);

    public int RefusedMoves => Volatile.Read(ref _refusedMoves);

    public override long FreeBytes(string directory)
    {
        if (IsSilent)
        {
            Interlocked.Increment(ref _questions);
            throw new IOException("Input/output error");
        }

        return Free ?? base.FreeBytes(directory);
    }

    public override void Move(string from, string to)
    {
        if (StuckSuffix is { } suffix && to.EndsWith(suffix, StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _refusedMoves);
            throw new IOException($"'{Path.GetFileName(to)}' is stuck.");
        }

        base.Move(from, to);
    }
}
