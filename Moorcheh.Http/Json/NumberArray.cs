using System.Text.Json;

namespace Moorcheh.Http.Json;

/// <summary>What an array of numbers turned out to be.</summary>
/// <param name="Count">Number of values; the index of the first bad one when there is one.</param>
/// <param name="BadKind">
/// Kind of the first value that is no number; <see cref="JsonValueKind.Number"/> when it is a number that is not finite as a
/// 32-bit float; <see cref="JsonValueKind.Undefined"/> when all values are good.
/// </param>
internal readonly record struct NumberArray(int Count, JsonValueKind BadKind);
