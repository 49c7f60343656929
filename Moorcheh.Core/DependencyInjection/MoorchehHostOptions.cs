namespace Moorcheh;

/// <summary>Settings of a store that a host opens; see <see cref="MoorchehServiceCollectionExtensions"/>.</summary>
public sealed class MoorchehHostOptions
{
    /// <summary>Directory of the store. Default <c>moorcheh-data</c> below the current directory.</summary>
    public string DataDirectory { get; set; } = "moorcheh-data";

    /// <summary>
    /// False (default): the host starts only after the store is open, and fails to start when it cannot be opened.
    /// True: the store opens in the background while the host starts; a failure stops the host.
    /// </summary>
    public bool OpenInBackground { get; set; }

    /// <summary>Settings of the store.</summary>
    public MoorchehOptions Store { get; } = new();
}
