namespace Moorcheh.Documents.Readers;

/// <summary>A relation of a part: the last word of its type, its id, and the name of the part that it points to.</summary>
internal readonly record struct OfficeRelation(string Type, string Id, string Target);
