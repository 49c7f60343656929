namespace Moorcheh.Sidecar;

/// <summary>The sidecar cannot start with these settings. The message is meant for the person who started it.</summary>
internal sealed class SettingsException(string message) : Exception(message);
