using System.Net;

namespace Moorcheh.Sidecar.Providers;

/// <summary>
/// A provider did not do what it was asked to. The message is shown to clients and kept with jobs: it has the provider's own words, cut to
/// a length and without the key, and no cause inside that could have it.
/// </summary>
/// <param name="message">As it is shown, behind "embedding failed: ".</param>
/// <param name="status">What it answered; null when it did not answer.</param>
internal sealed class ProviderException(string message, HttpStatusCode? status) : HttpRequestException(message, null, status);
