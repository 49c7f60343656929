using Moorcheh.Kernels;

namespace Moorcheh.Index;

/// <summary>The random rotation of a namespace's codes. Answers do not depend on the seed; only how many candidates are looked at does.</summary>
internal sealed class RotationSigns
{
    public RotationSigns(int dimension, ulong seed)
    {
        Seed = seed;
        Dimension = dimension;
        PaddedDimension = BlockLayout.PaddedDimension(dimension);
        Signs = new ulong[Rotation.SignWords(PaddedDimension)];
        Rotation.FillSigns(Signs, seed);
    }

    public ulong Seed { get; }

    /// <summary>Values per vector.</summary>
    public int Dimension { get; }

    public int PaddedDimension { get; }

    public ulong[] Signs { get; }
}
