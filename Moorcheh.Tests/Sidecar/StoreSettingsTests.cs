using System.Reflection;
using Moorcheh.Sidecar;

namespace Moorcheh.Tests.Sidecar;

/// <summary>Each setting is one option of the store, each number and time among the options has a setting, and a time has the unit of its name.</summary>
internal sealed class StoreSettingsTests
{
    [Test]
    public void ApplyTo_NothingSet_KeepsTheDefaults()
    {
        var options = new MoorchehOptions();

        new StoreSettings().ApplyTo(options);

        Assert.That(Values(options), Is.EqualTo(Values(new MoorchehOptions())));
    }

    [Test]
    public void ApplyTo_OneMoreOfASetting_IsOneMoreOfOneOption()
    {
        Dictionary<string, object> defaults = Values(new MoorchehOptions());
        Dictionary<string, string> options = [];
        foreach (PropertyInfo setting in typeof(StoreSettings).GetProperties())
        {
            var settings = new StoreSettings();
            setting.SetValue(settings, Convert.ChangeType(Convert.ToInt64(setting.GetValue(settings)) + 1, setting.PropertyType));
            var changed = new MoorchehOptions();
            settings.ApplyTo(changed);

            (string option, object value) = Values(changed).Single(pair => !pair.Value.Equals(defaults[pair.Key]));
            Assert.That(value, Is.EqualTo(More(defaults[option], setting.Name)), setting.Name);
            options.Add(option, setting.Name);
        }

        Assert.That(options.Keys, Is.EquivalentTo(defaults.Keys));
    }

    private static object More(object value, string setting) => value switch
    {
        TimeSpan time when setting.EndsWith("Seconds", StringComparison.Ordinal) => time + TimeSpan.FromSeconds(1),
        TimeSpan time when setting.EndsWith("Hours", StringComparison.Ordinal) => time + TimeSpan.FromHours(1),
        TimeSpan time when setting.EndsWith("Days", StringComparison.Ordinal) => time + TimeSpan.FromDays(1),
        int number => number + 1,
        long number => number + 1,
        _ => throw new InvalidOperationException($"Setting '{setting}' has no unit in its name, but {value} has one."),
    };

    /// <summary>The numbers and times of options and of the groups in them.</summary>
    private static Dictionary<string, object> Values(object options)
    {
        Dictionary<string, object> values = [];
        foreach (PropertyInfo property in options.GetType().GetProperties())
        {
            object? value = property.GetValue(options);
            if (value is int or long or TimeSpan)
            {
                values.Add(property.Name, value);
            }
            else if (property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal))
            {
                foreach ((string name, object inner) in Values(value!))
                {
                    values.Add($"{property.Name}.{name}", inner);
                }
            }
        }

        return values;
    }
}
