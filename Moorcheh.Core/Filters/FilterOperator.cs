namespace Moorcheh.Filters;

/// <summary>What a <see cref="FilterNode"/> asks. What the notation has besides is put together from these.</summary>
internal enum FilterOperator
{
    In,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Exists,
    And,
    Or,
    Not,
}
