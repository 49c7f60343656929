using Microsoft.Win32.SafeHandles;

namespace Moorcheh.Storage;

/// <summary>An open file of a <see cref="Disk"/>. Reading goes to the handle directly.</summary>
internal sealed class DiskFile(string path, bool writeThrough, SafeFileHandle handle) : IDisposable
{
    public string Path { get; } = path;

    public bool WriteThrough { get; } = writeThrough;

    public SafeFileHandle Handle { get; } = handle;

    public void Dispose() => Handle.Dispose();
}
