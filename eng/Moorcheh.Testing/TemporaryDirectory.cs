namespace Moorcheh.Testing;

/// <summary>A fresh directory that is gone when the test ends.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory()
        : this(System.IO.Path.GetTempPath())
    {
    }

    public TemporaryDirectory(string parent)
    {
        Path = System.IO.Path.Combine(parent, "moorcheh-tests", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A killed process may need a moment to let go of its files; the system cleans its temporary directory.
        }
    }
}
