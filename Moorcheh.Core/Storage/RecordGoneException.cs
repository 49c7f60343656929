namespace Moorcheh.Storage;

/// <summary>A record that an answer still needed was removed, and a checkpoint could not wait for the answer.</summary>
internal sealed class RecordGoneException(RecordKey key) : Exception($"Record {key} was removed while the answer was being sent, and a checkpoint was taken.");
