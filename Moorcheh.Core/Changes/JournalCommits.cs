using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>Commits that nobody may give up on.</summary>
internal static class JournalCommits
{
    /// <summary>
    /// Commits what was appended, again and again until that succeeds or the store is closing: after a commit that failed the entries may be on disk all the
    /// same, so that what they say must happen.
    /// </summary>
    public static async Task InsistAsync(this IJournal journal, DiskState disk)
    {
        for (bool isRetry = false; ; isRetry = true)
        {
            try
            {
                await journal.CommitAsync().ConfigureAwait(false);
                if (isRetry)
                {
                    disk.Recovered();
                }

                return;
            }
            catch (Exception e) when (!disk.IsClosing)
            {
                disk.Failed(e);
                await Task.Delay(DiskState.RetryPause, TimeProvider.System).ConfigureAwait(false);
            }
        }
    }
}
