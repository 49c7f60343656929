namespace Moorcheh.Tests.Faults;

/// <summary>Something that happened to the files of a store. Paths are relative to the directory that is watched.</summary>
internal abstract record DiskEvent
{
    public sealed record DirectoryCreated(string Path) : DiskEvent;

    public sealed record Created(string Path, int File) : DiskEvent;

    public sealed record Renamed(string From, string To) : DiskEvent;

    public sealed record Removed(string Path) : DiskEvent;

    public sealed record WriteBegun(int Id, int File, long Offset, byte[] Bytes, bool WriteThrough) : DiskEvent;

    public sealed record LengthBegun(int Id, int File, long Length) : DiskEvent;

    /// <summary>A write or change of length returned.</summary>
    public sealed record ChangeDone(int Id, int File) : DiskEvent;

    public sealed record FlushBegun(int Id, int File) : DiskEvent;

    public sealed record FlushDone(int Id) : DiskEvent;

    public sealed record DirectoryFlushBegun(int Id, string Path) : DiskEvent;

    public sealed record DirectoryFlushDone(int Id) : DiskEvent;
}
