using System.Runtime.InteropServices;

namespace Moorcheh.Index;

/// <summary>
/// Asks Linux to hold an array in pages of 2 MiB. A scan reads one code after the other, and with pages of 4 KiB it waits for page tables,
/// most of all on virtual machines, where each look-up walks two of them.
/// </summary>
internal static partial class HugePages
{
    private const nuint PageBytes = 2 << 20;
    private const int AdviseHugePage = 14;
    private const int AdviseCollapse = 25;

    /// <summary>
    /// Asks for it; where the system cannot or may not, nothing happens. Safe while others read or write the array. Arrays below
    /// 2 MiB stay as they are.
    /// </summary>
    public static unsafe void Collapse(ReadOnlySpan<byte> array)
    {
        if (!OperatingSystem.IsLinux() || (nuint)array.Length < PageBytes)
        {
            return;
        }

        fixed (byte* bytes = array)
        {
            // The pages at both ends are shared with neighbours on the heap, which are as well off in a large page.
            nuint start = (nuint)bytes / PageBytes * PageBytes;
            nuint end = ((nuint)bytes + (nuint)array.Length + PageBytes - 1) / PageBytes * PageBytes;
            _ = Advise(start, end - start, AdviseHugePage);
            _ = Advise(start, end - start, AdviseCollapse);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nuint address, nuint length, int advice);
}
