namespace Moorcheh.Artifacts;

/// <summary>Fetches what an ingest names by its address. Core has none: it never opens connections.</summary>
public interface IUriReader
{
    /// <summary>
    /// Says, without any I/O, whether an address may be fetched at all, so that an adapter can refuse the others before it accepts work. Called from
    /// several threads at once.
    /// </summary>
    /// <param name="address">An absolute address.</param>
    bool Allows(Uri address);

    /// <summary>Fetches a document. Called from several threads at once.</summary>
    /// <param name="address">The address as given by the caller.</param>
    /// <param name="cancellationToken">Cancelled when the document is not wanted any more.</param>
    /// <returns>Its bytes.</returns>
    /// <exception cref="MoorchehException">
    /// <see cref="ErrorCodes.UriNotAccessible"/>, or <see cref="ErrorCodes.InvalidFile"/> from <see cref="InvalidFile.Create"/> when it is too large.
    /// </exception>
    Task<ReadOnlyMemory<byte>> ReadAsync(Uri address, CancellationToken cancellationToken);
}
