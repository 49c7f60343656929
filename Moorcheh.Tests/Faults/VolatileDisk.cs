using Moorcheh.Storage;

namespace Moorcheh.Tests.Faults;

/// <summary>A disk that never waits for the hardware: for stores that nobody will pull the plug of.</summary>
internal class VolatileDisk : Disk
{
    public override DiskFile Open(string path, FileMode mode, FileShare share, bool writeThrough) =>
        new(path, writeThrough, File.OpenHandle(path, mode, FileAccess.ReadWrite, share));

    public override void Flush(DiskFile file)
    {
    }

    public override void FlushDirectory(string path)
    {
    }

    public override void FlushName(string directory) => FlushDirectory(Path.GetDirectoryName(directory)!);
}
