using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Store;

/// <summary>Every public member is a promise; a change of one shows up here. MOORCHEH_WRITE_PUBLIC_API=1 writes the file anew.</summary>
internal sealed class PublicSurfaceTests
{
    [Test]
    public void Core_PublicMembers_AreTheOnesOnFile()
    {
        string file = Path.Combine(RepositoryRoot(), "Moorcheh.Core", "PublicAPI.txt");
        string actual = PublicSurface.Of(typeof(MoorchehStore).Assembly);
        if (Environment.GetEnvironmentVariable("MOORCHEH_WRITE_PUBLIC_API") == "1")
        {
            File.WriteAllText(file, actual);
        }

        Assert.That(actual, Is.EqualTo(File.ReadAllText(file)), "Set MOORCHEH_WRITE_PUBLIC_API=1 to accept the change.");
    }

    private static string RepositoryRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Moorcheh.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("The tests do not run below the repository.");
    }
}
