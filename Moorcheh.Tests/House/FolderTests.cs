using System.Text.RegularExpressions;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.House;

/// <summary>
/// Each folder of Core imports only what is below it, so that no two of them import each other. Public types are in the namespaces Moorcheh and
/// Moorcheh.Artifacts whatever folder they are in: these say nothing about folders.
/// </summary>
internal sealed partial class FolderTests
{
    /// <summary>From the roof to the cellar; the root is "".</summary>
    private static readonly string[] Floors =
    [
        "DependencyInjection", "", "Artifacts", "Artifacts/Pipelines", "Callbacks", "Search", "Search/Words", "Search/Filters", "Pipelines", "Durability", "Changes", "Filters",
        "Items",
        "Namespaces", "Callbacks/Messages", "Artifacts/Tasks", "Jobs", "Index", "Index/Postings", "Kernels", "Storage", "Json", "Diagnostics",
    ];

    private static readonly string[] PublicNamespaces = ["Moorcheh", "Moorcheh.Artifacts"];

    private static string Core => Path.Combine(Repository.Root, "Moorcheh.Core");

    [Test]
    public void Folders_OfCore_ImportOnlyWhatIsBelow()
    {
        List<string> upward = [];
        int imports = 0;
        foreach (string file in SourceFiles())
        {
            string folder = FolderOf(file);
            int floor = Array.IndexOf(Floors, folder);
            Assert.That(floor, Is.Not.Negative, $"Folder '{folder}' has no floor; add it to the list of this test.");
            foreach (Match match in Usings().Matches(File.ReadAllText(file)))
            {
                string used = match.Groups[1].Value;
                if (PublicNamespaces.Contains(used))
                {
                    continue;
                }

                imports++;
                int below = Array.IndexOf(Floors, used["Moorcheh.".Length..].Replace('.', '/'));
                if (below < floor)
                {
                    upward.Add($"{Path.GetRelativePath(Core, file)} imports {used}");
                }
            }
        }

        Assert.That(upward, Is.Empty);
        Assert.That(imports, Is.GreaterThan(200), "The sources were not read.");
    }

    [Test]
    public void Namespaces_OfCore_FollowTheFolders()
    {
        List<string> astray = [];
        foreach (string file in SourceFiles())
        {
            string text = File.ReadAllText(file);
            string found = Namespace().Match(text).Groups[1].Value;
            string expected = FolderOf(file) is "" ? "Moorcheh" : "Moorcheh." + FolderOf(file).Replace('/', '.');
            if (found != expected && !(PublicNamespaces.Contains(found) && PublicType().IsMatch(text)))
            {
                astray.Add($"{Path.GetRelativePath(Core, file)} is in {found}");
            }
        }

        Assert.That(astray, Is.Empty);
    }

    private static IEnumerable<string> SourceFiles() =>
        Directory.EnumerateFiles(Core, "*.cs", SearchOption.AllDirectories).Where(file => FolderOf(file).Split('/')[0] is not ("obj" or "bin"));

    private static string FolderOf(string file)
    {
        string folder = Path.GetRelativePath(Core, Path.GetDirectoryName(file)!).Replace('\\', '/');
        return folder == "." ? "" : folder;
    }

    [GeneratedRegex(@"^(?:global )?using (?:static |\w+ = )?(Moorcheh(?:\.\w+)*);", RegexOptions.Multiline)]
    private static partial Regex Usings();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^public ", RegexOptions.Multiline)]
    private static partial Regex PublicType();
}
