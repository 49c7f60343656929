using Microsoft.Extensions.Logging;
using Moorcheh.Diagnostics;

namespace Moorcheh.Storage;

/// <summary>The free space of a store's volume. Safe for use from several threads.</summary>
internal sealed class FreeSpace(string root, Disk disk, ILogger logger)
{
    private bool _isUnknown;

    /// <summary>
    /// Bytes that are free; null when the system does not tell. Unknown is not full: writes go on, and fail by themselves when there is no
    /// room.
    /// </summary>
    public long? Bytes
    {
        get
        {
            try
            {
                long free = disk.FreeBytes(root);
                Volatile.Write(ref _isUnknown, false);
                return free;
            }
            catch (Exception e)
            {
                if (!Interlocked.Exchange(ref _isUnknown, true))
                {
                    logger.FreeSpaceUnknown(root, e);
                }

                return null;
            }
        }
    }
}
