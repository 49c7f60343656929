using Moorcheh.Storage;

namespace Moorcheh.Tests.Faults;

/// <summary>A disk that can be told to have no room for the journal, to keep its writes waiting, and not to answer how much room there is.</summary>
internal sealed class FailingDisk : VolatileDisk
{
    private const int NoSpace = 28;

    private readonly ManualResetEventSlim _open = new(true);
    private volatile bool _isFull;
    private volatile TaskCompletionSource? _marked;

    /// <summary>Nothing can be written to the journal.</summary>
    public bool IsFull
    {
        get => _isFull;
        set => _isFull = value;
    }

    /// <summary>What is asked for free space; null answers as the disk is.</summary>
    public Func<long>? OnFreeBytes { get; set; }

    /// <summary>Writes to the journal wait until <see cref="Release"/>.</summary>
    public void Hold() => _open.Reset();

    public void Release() => _open.Set();

    /// <summary>Completes with the next commit, when its marker has been written.</summary>
    public Task NextCommitAsync() => (_marked = new TaskCompletionSource()).Task.WaitAsync(Support.TestStore.Token);

    public override void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset)
    {
        bool isJournal = Path.GetFileName(Path.GetDirectoryName(file.Path)) == "journal";
        if (isJournal)
        {
            _open.Wait();
            if (_isFull)
            {
                throw new IOException("No space left on device", NoSpace);
            }
        }

        base.Write(file, bytes, offset);
        if (isJournal && Path.GetFileName(file.Path) == "committed")
        {
            // Synchronously: whoever waits looks at the disk before anything else is written.
            Interlocked.Exchange(ref _marked, null)?.SetResult();
        }
    }

    public override long FreeBytes(string directory) => OnFreeBytes?.Invoke() ?? base.FreeBytes(directory);
}
