namespace Moorcheh.Kernels;

/// <summary>Rows of one block whose table entries are added up in 16 bits, and where their sums go.</summary>
internal unsafe struct BlockScanUnit
{
    /// <summary>
    /// Most rows: 1,024 dimensions and 8 KB, which is the distance to prefetch over, and far from the 1,028 rows that 16 bits hold.
    /// </summary>
    public const int MaxRows = 128;

    /// <summary>Rows whose entries are added as bytes; <see cref="Count"/> is a multiple of it.</summary>
    public const int RowsPerStep = QueryTables.RowsAddedAsBytes;

    /// <summary>Bytes of a query's tables for one row.</summary>
    public const int TableBytesPerRow = 32;

    /// <summary>The codes.</summary>
    public byte* Rows;

    /// <summary>The tables of the first query, for these rows.</summary>
    public byte* Tables;

    /// <summary>64 sums of the first query.</summary>
    public int* Sums;

    /// <summary>From a code to the one to prefetch meanwhile.</summary>
    public nint Ahead;

    /// <summary>Rows.</summary>
    public int Count;

    /// <summary>True to add to the sums; false to write them.</summary>
    public bool Add;
}
