namespace Moorcheh;

/// <summary>A damage found in the files of a store.</summary>
/// <param name="Path">The file.</param>
/// <param name="Problem">What is wrong with it, and where.</param>
/// <param name="Effect">What it means.</param>
public sealed record StoreDamage(string Path, string Problem, DamageEffect Effect);
