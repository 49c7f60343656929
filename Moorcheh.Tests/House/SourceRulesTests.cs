using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.House;

/// <summary>What the compiler does not check of the sources that are shipped.</summary>
internal sealed class SourceRulesTests
{
    /// <summary>As in .editorconfig. Most lines are shorter; messages and comments that say one thing stay on one line.</summary>
    private const int MaxLineLength = 180;
    private const int MaxLines = 300;

    /// <summary>Kernels are long: each keeps one meaning's scalar and vector versions side by side.</summary>
    private static readonly string Kernels = Path.Combine("Moorcheh.Core", "Kernels") + Path.DirectorySeparatorChar;

    [Test]
    public void Sources_Lines_AreNoLongerThanTheLimit()
    {
        string[] tooLong =
        [
            .. ShippedSources().SelectMany(file => File.ReadLines(Path.Combine(Repository.Root, file))
                .Select((line, i) => (Length: line.Length, Text: $"{file}:{i + 1} has {line.Length} characters of {MaxLineLength}"))
                .Where(line => line.Length > MaxLineLength)
                .Select(line => line.Text)),
        ];

        Assert.That(tooLong, Is.Empty);
    }

    [Test]
    public void Sources_Files_AreNoLongerThanTheLimit()
    {
        string[] tooLong =
        [
            .. ShippedSources().Where(file => !file.StartsWith(Kernels, StringComparison.Ordinal))
                .Select(file => (Name: file, Lines: File.ReadLines(Path.Combine(Repository.Root, file)).Count()))
                .Where(file => file.Lines > MaxLines)
                .Select(file => $"{file.Name} has {file.Lines} lines of {MaxLines}"),
        ];

        Assert.That(tooLong, Is.Empty);
    }

    /// <summary>The source files of the shipped projects, relative to the repository.</summary>
    private static string[] ShippedSources()
    {
        string[] sources =
        [
            .. Directory.EnumerateFiles(Repository.Root, "*.csproj", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
                .Where(project => File.ReadAllText(project).Contains("<IsShipped>true</IsShipped>", StringComparison.Ordinal))
                .SelectMany(project => Directory.EnumerateFiles(Path.GetDirectoryName(project)!, "*.cs", SearchOption.AllDirectories))
                .Select(file => Path.GetRelativePath(Repository.Root, file))
                .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"))
                .Order(StringComparer.Ordinal),
        ];
        Assert.That(sources, Is.Not.Empty);
        return sources;
    }
}
