using System.Globalization;
using System.Text;

namespace Moorcheh.Tests.Faults;

/// <summary>What a process that is going to be killed knows, one line a note. A line is in the system's hands before the process goes on.</summary>
internal sealed class FaultLog(string path) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);

    public void Add(string name, FaultNote note)
    {
        lock (_lock)
        {
            _file.Write(Encoding.UTF8.GetBytes(string.Create(
                CultureInfo.InvariantCulture, $"{name},{note.Step},{note.Operation},{note.Moment},{note.JobId}\n")));
        }
    }

    /// <summary>Reads the notes back; a last line that was not finished does not count.</summary>
    public static void Read(string path, IReadOnlyList<FaultHistory> histories)
    {
        string text = File.Exists(path) ? File.ReadAllText(path) : string.Empty;
        foreach (string line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split(',');
            histories.Single(history => history.Workload.Name == parts[0]).Add(new FaultNote(
                0,
                int.Parse(parts[1], CultureInfo.InvariantCulture),
                int.Parse(parts[2], CultureInfo.InvariantCulture),
                Enum.Parse<FaultMoment>(parts[3]),
                parts[4].Length == 0 ? null : parts[4]));
        }
    }

    public void Dispose() => _file.Dispose();
}
