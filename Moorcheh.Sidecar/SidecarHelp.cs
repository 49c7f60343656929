namespace Moorcheh.Sidecar;

/// <summary>The text of <c>--help</c>.</summary>
internal static class SidecarHelp
{
    public static void Write(TextWriter output)
    {
        output.WriteLine("Moorcheh sidecar. Options, each with its environment variable and default:");
        output.WriteLine();
        foreach ((string name, string value) in new SidecarSettings().All)
        {
            output.WriteLine($"  --{name,-26} {SidecarSettings.VariableOf(name),-38} {value}");
        }

        output.WriteLine();
        output.WriteLine("Instead of serving, for a store that no process has open:");
        foreach ((string call, string purpose) in MaintenanceCommand.Help)
        {
            output.WriteLine($"  {call,-28} {purpose}");
        }

        output.WriteLine();
        output.WriteLine($"appsettings.json holds the same names in the section \"{SidecarSettings.Section}\". SERVER_* and");
        output.WriteLine("EMBEDDING_* work without the prefix too.");
    }
}
