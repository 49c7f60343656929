namespace Moorcheh.Namespaces;

/// <summary>Life of a namespace. The numbers are on disk.</summary>
internal enum NamespaceState : byte
{
    Active = 1,

    /// <summary>A delete job is at work; nothing of the namespace is visible.</summary>
    Deleting = 2,

    /// <summary>A delete job failed; only another delete is allowed.</summary>
    PartlyDeleted = 3,
}
