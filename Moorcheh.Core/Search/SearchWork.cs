namespace Moorcheh;

/// <summary>How many vectors each stage of a search looked at.</summary>
/// <param name="Scanned">Live vectors of the namespaces that passed the filters.</param>
/// <param name="Rescored8">Vectors scored with eight bits a value.</param>
/// <param name="Rescored32">Vectors scored exactly, from their records.</param>
public sealed record SearchWork(long Scanned, int Rescored8, int Rescored32);
