using System.IO.Compression;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>The stores that are kept in the tests, by name.</summary>
internal static class RecordedStore
{
    private static readonly string Directory = Path.Combine(Repository.Root, "Moorcheh.Tests", "Data", "RecordedStore");

    public static IEnumerable<string> Names() =>
        System.IO.Directory.EnumerateFiles(Directory, "*.zip").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    /// <summary>
    /// True for the store of a build before there were filters: its index files are of another version and made anew, and it has no entries about
    /// patches and deletes by a filter.
    /// </summary>
    public static bool IsBeforeFilters(string name) => name == "store-0.1";

    /// <summary>The files of a store.</summary>
    public static string ArchiveOf(string name) => Path.Combine(Directory, name + ".zip");

    /// <summary>What is found in it.</summary>
    public static string SnapshotOf(string name) => Path.Combine(Directory, name + ".json");

    /// <summary>A copy of a store, as it was left.</summary>
    public static TemporaryDirectory Unpack(string name)
    {
        var directory = new TemporaryDirectory();
        ZipFile.ExtractToDirectory(ArchiveOf(name), directory.Path);
        return directory;
    }
}
