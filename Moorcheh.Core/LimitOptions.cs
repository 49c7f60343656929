namespace Moorcheh;

/// <summary>How much a store holds and takes; part of <see cref="MoorchehOptions"/>.</summary>
public sealed class LimitOptions
{
    /// <summary>Most namespaces, 10,000 by default; 0 means no limit.</summary>
    public int MaxNamespaces { get; set; } = 10_000;

    /// <summary>Most items over all namespaces, 100,000 by default; 0 means no cap.</summary>
    public long MaxItems { get; set; } = 100_000;

    /// <summary>Most entries of one upload, 1 or more; 10,000 by default.</summary>
    public int MaxUploadItems { get; set; } = 10_000;

    /// <summary>Most UTF-8 bytes of one text, 1 to 1 MiB, which is the default.</summary>
    public int MaxTextBytes { get; set; } = 1 << 20;

    /// <summary>Most bytes of one item's metadata as compact JSON, 2 to 64 KiB, which is the default.</summary>
    public int MaxMetadataBytes { get; set; } = 64 << 10;

    internal void Validate()
    {
        OptionRule.AtLeast("Limits.MaxNamespaces", MaxNamespaces, 0);
        OptionRule.AtLeast("Limits.MaxItems", MaxItems, 0);
        OptionRule.AtLeast("Limits.MaxUploadItems", MaxUploadItems, 1);
        OptionRule.InRange("Limits.MaxTextBytes", MaxTextBytes, 1, 1 << 20);
        OptionRule.InRange("Limits.MaxMetadataBytes", MaxMetadataBytes, 2, 64 << 10);
    }
}
