namespace Moorcheh.Storage;

/// <summary>Paths as they are once every link in them was followed.</summary>
internal static class RealPath
{
    /// <summary>The path without links; the part of it that does not exist stays as it is.</summary>
    /// <exception cref="IOException">Links lead to each other.</exception>
    public static string Of(string path)
    {
        string full = Path.GetFullPath(path);
        string real = Path.GetPathRoot(full)!;
        foreach (string name in full[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, name);
            if (new DirectoryInfo(real) is { LinkTarget: not null } link && link.ResolveLinkTarget(returnFinalTarget: true) is { } target)
            {
                real = Of(target.FullName);
            }
        }

        return real;
    }

    /// <summary>The path without links, and those of all directories above it, from the inside out.</summary>
    public static IEnumerable<string> AndAbove(string path)
    {
        for (string? at = Of(path); at is not null; at = Path.GetDirectoryName(at))
        {
            yield return at;
        }
    }
}
