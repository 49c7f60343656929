namespace Moorcheh.Jobs;

/// <summary>What unfinished jobs take of the bounds on them.</summary>
internal readonly record struct JobRoom
{
    public int Uploads { get; init; }

    /// <summary>Of payload.</summary>
    public long UploadBytes { get; init; }

    /// <summary>Tasks on artifacts.</summary>
    public int Tasks { get; init; }

    /// <summary>Those among the tasks that delete.</summary>
    public int Deletes { get; init; }

    /// <summary>Of callbacks in memory.</summary>
    public long CallbackBytes { get; init; }

    public static JobRoom operator +(JobRoom x, JobRoom y) => new()
    {
        Uploads = x.Uploads + y.Uploads,
        UploadBytes = x.UploadBytes + y.UploadBytes,
        Tasks = x.Tasks + y.Tasks,
        Deletes = x.Deletes + y.Deletes,
        CallbackBytes = x.CallbackBytes + y.CallbackBytes,
    };

    public static JobRoom operator -(JobRoom x, JobRoom y) => new()
    {
        Uploads = x.Uploads - y.Uploads,
        UploadBytes = x.UploadBytes - y.UploadBytes,
        Tasks = x.Tasks - y.Tasks,
        Deletes = x.Deletes - y.Deletes,
        CallbackBytes = x.CallbackBytes - y.CallbackBytes,
    };
}
