namespace Moorcheh.Tests.Support;

/// <summary>
/// Copies the files of an open store: what a process that is killed at that moment leaves, since the store writes through. A copy
/// takes time, so the files are taken in the order in which they depend on each other: the commit marker and manifests promise
/// bytes in files that are copied after them.
/// </summary>
internal static class CrashCopy
{
    public static void Take(string from, string to)
    {
        for (int attempt = 1; ; attempt++)
        {
            Directory.CreateDirectory(to);
            Directory.Delete(to, recursive: true);
            string[] before = Manifests(from);
            try
            {
                Copy(Path.Combine(from, "format"), from, to);
                Copy(Path.Combine(from, "journal", "committed"), from, to);
                foreach (string part in (string[])["checkpoints", "records", "index", "journal"])
                {
                    Directory.CreateDirectory(Path.Combine(to, part));
                    foreach (string file in Directory.EnumerateFiles(Path.Combine(from, part)).Order(StringComparer.Ordinal))
                    {
                        if (!file.EndsWith("committed", StringComparison.Ordinal) && !file.EndsWith(".tmp", StringComparison.Ordinal))
                        {
                            Copy(file, from, to);
                        }
                    }
                }

                if (File.Exists(Path.Combine(from, "working")))
                {
                    Copy(Path.Combine(from, "working"), from, to);
                }
            }
            catch (IOException) when (attempt < 100)
            {
                continue; // A checkpoint removed an old file meanwhile, or writes an index that nobody else may open yet.
            }

            if (before.SequenceEqual(Manifests(from)))
            {
                return;
            }

            Assert.That(attempt, Is.LessThan(100), "There was a checkpoint during every copy.");
        }
    }

    /// <summary>Copies the files of a closed store.</summary>
    public static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            Copy(file, from, to);
        }
    }

    private static string[] Manifests(string directory) =>
        [.. Directory.EnumerateFiles(Path.Combine(directory, "checkpoints"), "*.manifest").Order(StringComparer.Ordinal)];

    private static void Copy(string file, string from, string to)
    {
        string target = Path.Combine(to, Path.GetRelativePath(from, file));
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var destination = new FileStream(target, FileMode.Create);
        source.CopyTo(destination);
    }
}
