namespace Moorcheh;

/// <summary>How sure an answer is to be the exact one. What is returned is always scored and ordered exactly; the question is whether a neighbour could be missed.</summary>
public enum SearchGuarantee
{
    /// <summary>
    /// A true neighbour is missed with probability at most 1.1 %, by proof; in measurements none was. Three standard deviations of the one-bit
    /// estimate.
    /// </summary>
    Fast,

    /// <summary>
    /// The default: the answer is the exact one with probability at least 0.999999, by proof, for data and queries chosen without knowledge
    /// of the store's random rotation.
    /// </summary>
    Certified,

    /// <summary>The answer is the exact one, without any probability: every vector is looked at with eight bits a value and a bound that is a proof.</summary>
    Absolute,
}
