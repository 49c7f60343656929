using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using Moorcheh.Documents;
using Moorcheh.Embeddings;
using Moorcheh.Http;

namespace Moorcheh.Sidecar;

/// <summary>
/// All settings of the sidecar, read from <c>appsettings.json</c> (section <c>Moorcheh</c>), the environment and the command
/// line; the later one counts. Every plain property of the options classes is a setting of the same name.
/// </summary>
internal sealed class SidecarSettings
{
    public const string Section = "Moorcheh";
    public const string Prefix = "MOORCHEH_";

    // How the settings begin whose variables existing deployments of the API have without our prefix: SERVER_HOST, EMBEDDING_MODEL.
    private static readonly string[] PublishedPrefixes = ["Server", "Embedding"];

    private readonly Dictionary<string, (object Target, PropertyInfo Property)> _properties = new(StringComparer.OrdinalIgnoreCase);

    public SidecarSettings()
    {
        foreach (object target in new object[] { Sidecar, Http, Documents, Host, Store })
        {
            foreach (PropertyInfo property in target.GetType().GetProperties().Where(IsSetting))
            {
                _properties.Add(property.Name, (target, property));
            }
        }
    }

    public SidecarOptions Sidecar { get; } = new();

    public MoorchehHttpOptions Http { get; } = new();

    public MoorchehDocumentsOptions Documents { get; } = new();

    public MoorchehHostOptions Host { get; } = new() { OpenInBackground = true };

    public StoreSettings Store { get; } = new();

    /// <summary>Names of all settings with their values as text.</summary>
    public IEnumerable<(string Name, string Value)> All =>
        _properties.Values.Select(setting => (setting.Property.Name, Describe(setting.Property.GetValue(setting.Target))));

    /// <summary>Environment variables that look like ours but are no setting; clients of the API may use such names too.</summary>
    public List<string> UnknownVariables { get; } = [];

    /// <summary>Reads all sources.</summary>
    /// <exception cref="SettingsException">A setting is unknown, cannot be read, or is out of range.</exception>
    public static SidecarSettings Read(IConfiguration file, IDictionary environment, IReadOnlyList<string> arguments)
    {
        var settings = new SidecarSettings();
        settings.ReadFile(file.GetSection(Section));
        settings.ReadEnvironment(environment);
        settings.ReadArguments(arguments);
        settings.Check();
        return settings;
    }

    /// <summary>Gives the settings of the store to the options the host has made, which have the embedder.</summary>
    public void CopyTo(MoorchehHostOptions host)
    {
        Copy(Host, host);
        Store.ApplyTo(host.Store);
        host.OpenInBackground = Host.OpenInBackground;
        if (EmbedderFactory.IsRemote(Sidecar))
        {
            host.Store.Embedding.Attempts = 1; // Its client tries again, and waits as long as the provider says.
        }

        if (host.Store.Embedding.Generator?.GetService(typeof(OnnxEmbeddingGenerator)) is OnnxEmbeddingGenerator onnx)
        {
            host.Store.Embedding.CountTokens = onnx.CountTokens;
        }
    }

    /// <summary>Gives the settings of the adapter to the options the host has made.</summary>
    public void CopyTo(MoorchehHttpOptions http) => Copy(Http, http);

    /// <summary>Gives the settings about documents to the options the host has made.</summary>
    public void CopyTo(MoorchehDocumentsOptions documents) => Copy(Documents, documents);

    /// <summary>The environment variable of a setting: <c>MaxItems</c> is <c>MOORCHEH_MAX_ITEMS</c>.</summary>
    public static string VariableOf(string name) => Prefix + JsonNamingPolicy.SnakeCaseUpper.ConvertName(name);

    private void Copy(object from, object to)
    {
        foreach ((object source, PropertyInfo property) in _properties.Values)
        {
            if (source == from)
            {
                property.SetValue(to, property.GetValue(source));
            }
        }
    }

    private static bool IsSetting(PropertyInfo property) => property.CanWrite
        && property.Name != nameof(MoorchehHostOptions.OpenInBackground)
        && (property.PropertyType == typeof(string) || property.PropertyType == typeof(int) || property.PropertyType == typeof(long)
            || property.PropertyType == typeof(bool) || property.PropertyType == typeof(IList<string>));

    private static string Describe(object? value) => value switch
    {
        IList<string> list => string.Join(",", list),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private void ReadFile(IConfigurationSection section)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            string value = child.Value ?? string.Join(',', child.GetChildren().Select(entry => entry.Value));
            Set(child.Key, value, $"appsettings.json, {Section}:{child.Key}");
        }
    }

    private void ReadEnvironment(IDictionary environment)
    {
        // Published names first: the ones with our prefix are more exact and count more.
        foreach (string name in _properties.Keys.Where(name => PublishedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))))
        {
            string variable = VariableOf(name)[Prefix.Length..];
            if (environment[variable] is string { Length: > 0 } value)
            {
                Set(name, value, variable);
            }
        }

        foreach (DictionaryEntry entry in environment)
        {
            var variable = (string)entry.Key;
            if (!variable.StartsWith(Prefix, StringComparison.Ordinal) || entry.Value is not string { Length: > 0 } value)
            {
                continue;
            }

            string name = variable[Prefix.Length..].Replace("_", "", StringComparison.Ordinal);
            if (_properties.ContainsKey(name))
            {
                Set(name, value, variable);
            }
            else
            {
                UnknownVariables.Add(variable);
            }
        }
    }

    /// <summary>Takes <c>--MaxItems 5</c>, <c>--max-items 5</c> and <c>--max-items=5</c>.</summary>
    private void ReadArguments(IReadOnlyList<string> arguments)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                // What is behind '=' may be a key.
                throw new SettingsException($"'{argument.Split('=')[0]}' is not an option; write --name value.");
            }

            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? argument : argument[..equals];
            if (equals < 0 && i + 1 == arguments.Count)
            {
                throw new SettingsException($"Option '{name}' has no value.");
            }

            string value = equals < 0 ? arguments[++i] : argument[(equals + 1)..];
            Set(name[2..].Replace("-", "", StringComparison.Ordinal), value, name);
        }
    }

    private void Set(string name, string text, string source)
    {
        if (!_properties.TryGetValue(name, out (object Target, PropertyInfo Property) setting))
        {
            throw new SettingsException($"Unknown setting: {source}.");
        }

        Type type = setting.Property.PropertyType;
        object value;
        if (type == typeof(string))
        {
            value = text;
        }
        else if (type == typeof(IList<string>))
        {
            value = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToList();
        }
        else if (type == typeof(bool))
        {
            value = bool.TryParse(text, out bool flag) ? flag : throw Unreadable(setting.Property, text, "true or false", source);
        }
        else if (type == typeof(int))
        {
            value = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw Unreadable(setting.Property, text, "a whole number", source);
        }
        else
        {
            value = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
                ? number
                : throw Unreadable(setting.Property, text, "a whole number", source);
        }

        setting.Property.SetValue(setting.Target, value);
    }

    private static SettingsException Unreadable(PropertyInfo property, string text, string expected, string source) =>
        new($"Option '{property.Name}' is '{text}'; it must be {expected} ({source}).");

    private void Check()
    {
        try
        {
            Http.Validate();
            Documents.Validate();
        }
        catch (ArgumentException e)
        {
            throw new SettingsException(e.Message);
        }

        Store.Check();
        Store.ApplyTo(Host.Store);
        if (string.IsNullOrWhiteSpace(Host.DataDirectory))
        {
            throw new SettingsException("Option 'DataDirectory' is empty; it must name a directory.");
        }

        if (Sidecar.ServerPort is < 0 or > IPEndPoint.MaxPort)
        {
            throw new SettingsException($"Option 'ServerPort' is {Sidecar.ServerPort}; it must be from 0 to {IPEndPoint.MaxPort}.");
        }

        HostCheck.Check(Sidecar.AllowedHosts);
        if (Sidecar.MaxConnections is < 1 or > SidecarOptions.GreatestMaxConnections)
        {
            throw new SettingsException($"Option 'MaxConnections' is {Sidecar.MaxConnections}; it must be from 1 to {SidecarOptions.GreatestMaxConnections}.");
        }

        EmbedderFactory.Check(Sidecar, Store);
        if (!ListenAddress.Parse(Sidecar.ServerHost).IsLoopback && Http.ApiKeys.Count == 0 && !Sidecar.AllowAnonymous)
        {
            throw new SettingsException(
                $"Refusing to listen on '{Sidecar.ServerHost}', beyond this machine, without an API key. "
                + $"Set ApiKeys ({VariableOf("ApiKeys")}), or AllowAnonymous ({VariableOf("AllowAnonymous")}) to true.");
        }
    }
}
