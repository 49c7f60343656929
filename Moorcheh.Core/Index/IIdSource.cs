namespace Moorcheh.Index;

/// <summary>Gives the id at a place of an index.</summary>
internal interface IIdSource
{
    /// <summary>UTF-8.</summary>
    ReadOnlySpan<byte> Id(int place);
}
