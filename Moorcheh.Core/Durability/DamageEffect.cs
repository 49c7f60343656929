namespace Moorcheh;

/// <summary>What a damage means for a store.</summary>
public enum DamageEffect
{
    /// <summary>Opening the store copes with it; nothing is lost.</summary>
    None,

    /// <summary>What it hits gives a typed error; everything else is served.</summary>
    Partial,

    /// <summary>The store does not open.</summary>
    Refused,
}
