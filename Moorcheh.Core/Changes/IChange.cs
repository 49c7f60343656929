using Moorcheh.Storage;

namespace Moorcheh.Changes;

/// <summary>
/// A journal entry and its effect. Live work appends it and applies it once it is on disk; replay reads it by the <c>Read</c> that <see cref="ChangeTable"/>
/// names and applies it in the same way, so that both end in the same state. What is not written, such as a job that is queued before its acceptance is on
/// disk, only live work has at hand; replay finds it by itself.
/// </summary>
internal interface IChange
{
    /// <summary>Its number in the journal.</summary>
    JournalEntryType Type { get; }

    void Write(ByteWriter writer);

    /// <summary>Carries it out; nothing happens when what it is about is over, or is not there.</summary>
    ValueTask ApplyAsync(ChangeContext context);
}
