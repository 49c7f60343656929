namespace Moorcheh.Tests.Support;

/// <summary>The repository the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its top directory.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Moorcheh.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No Moorcheh.sln above {AppContext.BaseDirectory}.");
    }
}
