namespace Moorcheh;

/// <summary>The item errors a job kept.</summary>
/// <param name="Errors">The first errors in order of occurrence, at most <see cref="MaxKept"/>.</param>
/// <param name="Omitted">Number of further errors that were counted but not kept.</param>
public sealed record JobErrors(IReadOnlyList<ItemError> Errors, int Omitted)
{
    internal static readonly JobErrors None = new([], 0);

    /// <summary>Errors kept for one job.</summary>
    public const int MaxKept = 100;
}
