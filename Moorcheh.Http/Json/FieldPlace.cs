using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>Where a field of a checked request body stands.</summary>
/// <param name="Kind">Kind of its value.</param>
/// <param name="Start">First byte of the value.</param>
/// <param name="Entries">Number of entries when it is an array, otherwise 0.</param>
internal readonly record struct FieldPlace(JsonValueKind Kind, int Start, int Entries);
