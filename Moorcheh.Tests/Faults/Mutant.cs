using System.Globalization;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Faults;

/// <summary>One damage to one file of a store.</summary>
/// <param name="File">Relative path.</param>
/// <param name="Kind">What is done to it.</param>
/// <param name="At">Where, in bytes; the length that is left for a truncation.</param>
/// <param name="Other">The bit that is flipped, or the place that is swapped with.</param>
internal sealed record Mutant(string File, string Kind, long At, long Other)
{
    public const string Sound = "sound";
    public const string Flip = "flip";
    public const string Zero = "zero";
    public const string Swap = "swap";
    public const string Cut = "cut";
    public const string Empty = "empty";
    public const string Gone = "gone";
    public const string Version = "version";

    private const int Page = 4096;

    /// <summary>Path without what differs from store to store, for counting.</summary>
    public string FileKind => System.IO.Path.GetFileName(File) is var name && name.Contains('.', StringComparison.Ordinal) && name.Length > 20
        ? "*" + name[name.IndexOf('.', StringComparison.Ordinal)..]
        : name.EndsWith(".manifest", StringComparison.Ordinal) ? "*.manifest" : name;

    /// <summary>The same mutants for the same directory and seed, in every process. The first is none, for control.</summary>
    public static List<Mutant> Make(string directory, int seed, int perFile, string pattern)
    {
        var random = new Random(seed);
        List<Mutant> mutants = [new("format", Sound, 0, 0)];
        foreach (string path in Directory.EnumerateFiles(directory, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string file = System.IO.Path.GetRelativePath(directory, path);
            byte[] bytes = System.IO.File.ReadAllBytes(path);
            mutants.Add(new Mutant(file, Gone, 0, 0));
            if (bytes.Length == 0)
            {
                continue;
            }

            mutants.AddRange([new(file, Empty, 0, 0), new(file, Cut, bytes.Length / 2, 0), new(file, Cut, random.Next(bytes.Length), 0)]);
            mutants.Add(new Mutant(file, Version, 0, 0));
            for (int i = 0; i < perFile; i++)
            {
                // Most of a file may be zeros that mean nothing.
                long at = Used(bytes, random);
                mutants.Add(i % 4 == 1
                    ? new Mutant(file, Zero, at / Page * Page, 0)
                    : i % 4 == 3 && bytes.Length > Page
                        ? new Mutant(file, Swap, at / Page * Page, Used(bytes, random) / Page * Page)
                        : new Mutant(file, Flip, at, random.Next(8)));
            }
        }

        return mutants;
    }

    /// <summary>Does it.</summary>
    public void Apply(string directory)
    {
        string path = System.IO.Path.Combine(directory, File);
        byte[] bytes = System.IO.File.ReadAllBytes(path);
        switch (Kind)
        {
            case Sound:
                return;
            case Flip:
                bytes[At] ^= (byte)(1 << (int)Other);
                break;
            case Zero:
                bytes.AsSpan((int)At, (int)Math.Min(Page, bytes.Length - At)).Clear();
                break;
            case Swap:
                int length = (int)Math.Min(Page, bytes.Length - Math.Max(At, Other));
                byte[] one = bytes.AsSpan((int)At, length).ToArray();
                bytes.AsSpan((int)Other, length).CopyTo(bytes.AsSpan((int)At));
                one.CopyTo(bytes, (int)Other);
                break;
            case Cut:
                Array.Resize(ref bytes, (int)At);
                break;
            case Empty:
                bytes = [];
                break;
            case Version:
                SetVersion(bytes);
                break;
            default:
                System.IO.File.Delete(path);
                return;
        }

        System.IO.File.WriteAllBytes(path, bytes);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {FileKind} at {At}/{Other}");

    private static long Used(byte[] bytes, Random random)
    {
        for (int attempt = 0; attempt < 1000; attempt++)
        {
            int at = random.Next(bytes.Length);
            if (bytes[at] != 0)
            {
                return at;
            }
        }

        return random.Next(bytes.Length);
    }

    /// <summary>As a later version would write it, with the right checksum where the file has one of its own.</summary>
    private void SetVersion(byte[] bytes)
    {
        string name = System.IO.Path.GetFileName(File);
        if (name == "format")
        {
            bytes[0] = (byte)'9';
        }
        else if (name.EndsWith(".manifest", StringComparison.Ordinal))
        {
            bytes[4] = 9;
            BitConverter.TryWriteBytes(bytes.AsSpan(12), Crc32C.Append(Crc32C.Of(bytes.AsSpan(0, 12)), bytes.AsSpan(16)));
        }
        else if (name.EndsWith(".segment", StringComparison.Ordinal) || (name.EndsWith(".index", StringComparison.Ordinal) && File.StartsWith("index", StringComparison.Ordinal)))
        {
            bytes[4] = 9;
            int front = SectionFile.FrontBytes(BitConverter.ToInt32(bytes, 8));
            BitConverter.TryWriteBytes(bytes.AsSpan(front - 4), Crc32C.Of(bytes.AsSpan(0, front - 4)));
        }
        else if (name.StartsWith("journal.log", StringComparison.Ordinal))
        {
            int frame = (int)FasterSettings.FirstAddress + JournalFrame.LengthBytes;
            int length = BitConverter.ToInt32(bytes, frame - JournalFrame.LengthBytes);
            bytes[frame] = 9;
            BitConverter.TryWriteBytes(
                bytes.AsSpan(frame + 4), Crc32C.Append(Crc32C.Of(bytes.AsSpan(frame, 4)), bytes.AsSpan(frame + JournalFrame.HeaderBytes, length - JournalFrame.HeaderBytes)));
        }
        else
        {
            bytes[Math.Min(4, bytes.Length - 1)] = 9;
        }
    }
}
