namespace Moorcheh.Sidecar;

/// <summary>What the process does to a directory instead of serving it: <c>--verify</c>, <c>--repair</c> and <c>--restore</c>.</summary>
internal static class MaintenanceCommand
{
    private const int Done = 0;
    private const int Damaged = 1;

    private static readonly string[] Names = ["--verify", "--repair", "--restore"];

    /// <summary>How to call them.</summary>
    public static IReadOnlyList<(string Call, string Purpose)> Help { get; } =
    [
        ("--verify DIR", "compare all checksums of a store; change nothing"),
        ("--repair DIR", "make sound what can be without loss, and name what is lost"),
        ("--repair DIR --drop-damaged", "also drop what is lost"),
        ("--restore SNAPSHOT DIR", "copy a snapshot to where a store should be"),
    ];

    /// <summary>True when the arguments ask for one of them.</summary>
    public static bool IsAskedFor(IReadOnlyList<string> arguments) => arguments.Any(Names.Contains);

    /// <summary>Does what the arguments ask for.</summary>
    /// <returns>The exit code: 0 when the store is sound, 1 when it is not.</returns>
    /// <exception cref="SettingsException">The arguments are not as in <see cref="Help"/>, or name no store.</exception>
    public static async Task<int> RunAsync(string[] arguments, TextWriter output)
    {
        try
        {
            switch (arguments)
            {
                case ["--verify", var directory]:
                    IReadOnlyList<StoreDamage> damage = await StoreFiles.VerifyAsync(directory);
                    Write(output, damage);
                    output.WriteLine(damage.Count == 0 ? $"'{directory}' is sound." : $"'{directory}' is damaged in {damage.Count} places.");
                    return damage.Count == 0 ? Done : Damaged;
                case ["--repair", var directory]:
                    return Write(output, directory, await StoreFiles.RepairAsync(directory, dropDamaged: false), isDropped: false);
                case ["--repair", var directory, "--drop-damaged"]:
                    return Write(output, directory, await StoreFiles.RepairAsync(directory, dropDamaged: true), isDropped: true);
                case ["--restore", var snapshot, var directory]:
                    await StoreFiles.RestoreAsync(snapshot, directory);
                    output.WriteLine($"'{directory}' holds what '{snapshot}' holds.");
                    return Done;
                default:
                    throw new SettingsException($"Use one of: {string.Join("; ", Help.Select(line => line.Call))}.");
            }
        }
        catch (ArgumentException e)
        {
            throw new SettingsException(e.Message);
        }
        catch (Exception e) when (e is MoorchehException or IOException or UnauthorizedAccessException)
        {
            output.WriteLine(e.Message);
            return Damaged;
        }
    }

    private static int Write(TextWriter output, string directory, StoreRepair repair, bool isDropped)
    {
        Write(output, repair.Damage);
        foreach (string lost in repair.Lost)
        {
            output.WriteLine($"{(isDropped ? "Dropped" : "Lost")}: {lost}");
        }

        output.WriteLine(
            repair.IsSound ? $"'{directory}' is sound now."
            : repair.Lost.Count > 0 && !isDropped ? $"'{directory}' is still damaged. With --drop-damaged the {repair.Lost.Count} things that are lost are dropped."
            : $"'{directory}' is still damaged. Restore it from a backup.");
        return repair.IsSound ? Done : Damaged;
    }

    private static void Write(TextWriter output, IReadOnlyList<StoreDamage> damage)
    {
        foreach (StoreDamage one in damage)
        {
            string effect = one.Effect switch
            {
                DamageEffect.None => "nothing is lost",
                DamageEffect.Partial => "some data cannot be read",
                _ => "the store does not open",
            };
            output.WriteLine($"{one.Path}: {one.Problem} ({effect})");
        }
    }
}
