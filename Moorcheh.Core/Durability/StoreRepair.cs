namespace Moorcheh;

/// <summary>What <see cref="StoreFiles.RepairAsync"/> found and did.</summary>
/// <param name="Damage">What was damaged before.</param>
/// <param name="Lost">What cannot be read any more, one sentence each: it was dropped, or would be.</param>
/// <param name="IsSound">True when nothing is damaged now.</param>
public sealed record StoreRepair(IReadOnlyList<StoreDamage> Damage, IReadOnlyList<string> Lost, bool IsSound);
