using System.Diagnostics;

namespace Moorcheh.Documents.Readers;

/// <summary>Ends the reading of a document that takes too long, or that nobody wants any more. The real clock: it bounds work of the processor.</summary>
internal sealed class ReadingTime(CancellationToken cancellationToken)
{
    /// <summary>Most seconds that a document is read for.</summary>
    public const int MaxSeconds = 60;

    private readonly Stopwatch _time = Stopwatch.StartNew();

    public void Check()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_time.Elapsed.TotalSeconds > MaxSeconds)
        {
            throw new InvalidDataException($"The document has been read for {MaxSeconds} seconds; that is the limit.");
        }
    }
}
