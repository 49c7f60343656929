namespace Moorcheh;

/// <summary>What the items of a namespace are made of. Fixed when the namespace is created.</summary>
public enum NamespaceKind
{
    /// <summary>Items are texts; the store embeds them with the configured generator.</summary>
    Text,

    /// <summary>Items are vectors of one fixed length, supplied by the caller.</summary>
    Vector,
}
