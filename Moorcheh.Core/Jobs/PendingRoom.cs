namespace Moorcheh.Jobs;

/// <summary>The room that unfinished jobs have taken, and its bounds. Safe for use from several threads.</summary>
internal sealed class PendingRoom(MoorchehOptions options)
{
    private readonly Lock _lock = new();
    private JobRoom _taken;

    /// <summary>Takes room for a job that is about to be accepted.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.QueueFull"/>.</exception>
    public void Reserve(in JobRoom room)
    {
        lock (_lock)
        {
            if (room.Uploads > 0)
            {
                CheckUpload(room);
            }

            if (room.Tasks > 0)
            {
                CheckTask(room);
            }

            _taken += room;
        }
    }

    /// <summary>Takes room for what was accepted before.</summary>
    public void Take(in JobRoom room)
    {
        lock (_lock)
        {
            _taken += room;
        }
    }

    /// <summary>Gives room back.</summary>
    public void Release(in JobRoom room)
    {
        lock (_lock)
        {
            _taken -= room;
        }
    }

    private void CheckUpload(in JobRoom room)
    {
        if (_taken.Uploads >= options.Jobs.MaxPending)
        {
            throw Full($"Job queue is full ({_taken.Uploads} jobs waiting).");
        }

        if (_taken.Uploads > 0 && _taken.UploadBytes + room.UploadBytes > options.Jobs.MaxPendingBytes)
        {
            throw Full($"Job queue is full ({_taken.UploadBytes} bytes waiting of {options.Jobs.MaxPendingBytes}).");
        }
    }

    /// <summary>A delete is not refused for ingests that wait: it may revoke them.</summary>
    private void CheckTask(in JobRoom room)
    {
        if (room.Deletes == 0 && _taken.Tasks >= options.Artifacts.MaxPendingTasks)
        {
            throw Full($"Task queue is full ({_taken.Tasks} tasks waiting).");
        }

        if (room.Deletes > 0 && _taken.Deletes >= options.Artifacts.MaxPendingDeletes)
        {
            throw Full($"Task queue is full ({_taken.Deletes} deletes waiting of {options.Artifacts.MaxPendingDeletes}).");
        }

        if (_taken.CallbackBytes > 0 && room.CallbackBytes > 0 && _taken.CallbackBytes + room.CallbackBytes > options.Artifacts.MaxPendingCallbackBytes)
        {
            throw Full($"Task queue is full ({_taken.CallbackBytes} bytes of callbacks waiting of {options.Artifacts.MaxPendingCallbackBytes}).");
        }
    }

    private static MoorchehException Full(string message) => new(ErrorCodes.QueueFull, message);
}
