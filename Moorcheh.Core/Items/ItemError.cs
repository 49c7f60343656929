namespace Moorcheh;

/// <summary>One entry of an upload that failed.</summary>
/// <param name="Index">Position in the uploaded batch, from 0.</param>
/// <param name="Id">Id of the entry.</param>
/// <param name="Message">What went wrong, beginning with the entry's name.</param>
public sealed record ItemError(int Index, string Id, string Message);
