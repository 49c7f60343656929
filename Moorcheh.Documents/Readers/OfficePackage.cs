using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Xml;

namespace Moorcheh.Documents.Readers;

/// <summary>
/// The parts of a package of Office and the relations between them, as far as they can be made out: the text counts, not the package. Names are the same
/// whatever their case and slashes. System.IO.Packaging would refuse a file for a relation that nobody needs.
/// </summary>
internal sealed class OfficePackage : IDisposable
{
    /// <summary>Most parts of a package.</summary>
    public const int MaxParts = 10_000;

    private const int MaxRelations = 20_000;

    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _parts = new(StringComparer.OrdinalIgnoreCase);

    public OfficePackage(ReadOnlyMemory<byte> content)
    {
        CheckParts(content.Span);
        ArraySegment<byte> bytes = MemoryMarshal.TryGetArray(content, out ArraySegment<byte> array) ? array : content.ToArray();
        _archive = new ZipArchive(new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false), ZipArchiveMode.Read);
        foreach (ZipArchiveEntry entry in _archive.Entries)
        {
            _parts.TryAdd(Resolve("", entry.FullName), entry);
        }
    }

    /// <summary>Names of the parts.</summary>
    public IEnumerable<string> Names => _parts.Keys;

    /// <summary>Whether there is a part of this name.</summary>
    public bool Has(string name) => _parts.ContainsKey(name);

    /// <summary>Opens a part as XML; null when there is none.</summary>
    public BoundedXml? OpenXml(string name) => _parts.TryGetValue(name, out ZipArchiveEntry? part) ? new BoundedXml(part.Open()) : null;

    /// <summary>The bytes of a part.</summary>
    /// <exception cref="InvalidDataException">It has more bytes than the limit.</exception>
    public byte[] ReadBytes(string name, int maxBytes)
    {
        ZipArchiveEntry part = _parts[name];
        if (part.Length > maxBytes)
        {
            throw new InvalidDataException($"The part '{name}' has {part.Length} bytes; the limit is {maxBytes}.");
        }

        byte[] bytes = new byte[part.Length];
        using Stream stream = part.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Type, id and target of each relation of a part inside the package; that of the package itself has an empty name.</summary>
    public IEnumerable<OfficeRelation> ReadRelations(string part)
    {
        string folder = FolderOf(part);
        using BoundedXml? relations = OpenXml($"{folder}_rels/{part[folder.Length..]}.rels");
        for (int count = 0; relations is not null && TryRead(relations);)
        {
            if (relations.Node is { NodeType: XmlNodeType.Element, LocalName: "Relationship" } node && node.GetAttribute("Target") is { } target
                && node.GetAttribute("TargetMode") != "External")
            {
                string type = node.GetAttribute("Type") ?? "";
                yield return ++count <= MaxRelations
                    ? new OfficeRelation(type[(type.LastIndexOf('/') + 1)..], node.GetAttribute("Id") ?? "", Resolve(folder, target))
                    : throw new InvalidDataException($"A part of the document has {count} relations; the limit is {MaxRelations}.");
            }
        }
    }

    /// <summary>The part that the package calls its document, or the one of the usual name.</summary>
    /// <exception cref="InvalidDataException">There is neither.</exception>
    public string FindMainPart(string usual)
    {
        string? named = ReadRelations("").Where(relation => relation.Type == "officeDocument").Select(relation => relation.Target).FirstOrDefault();
        return named is not null && Has(named) ? named
            : Has(usual) ? usual
            : throw new InvalidDataException($"The document has no part '{named ?? usual}', which is to be its main part.");
    }

    /// <summary>The folder of a part, with the slash at its end.</summary>
    public static string FolderOf(string part) => part[..(part.LastIndexOf('/') + 1)];

    public void Dispose() => _archive.Dispose();

    /// <summary>What is behind damage in the relations is not known; what is before it is.</summary>
    private static bool TryRead(BoundedXml relations)
    {
        try
        {
            return relations.Read();
        }
        catch (XmlException)
        {
            return false;
        }
    }

    private static string Resolve(string folder, string target)
    {
        target = Uri.UnescapeDataString(target.Replace('\\', '/'));
        int end = target.IndexOfAny(['#', '?']);
        target = end < 0 ? target : target[..end];
        List<string> names = [];
        foreach (string name in (target.StartsWith('/') ? target : folder + target).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name == ".." && names.Count > 0)
            {
                names.RemoveAt(names.Count - 1);
            }
            else if (name is not ("." or ".."))
            {
                names.Add(name);
            }
        }

        return string.Join('/', names);
    }

    /// <summary>The archive makes an object of each of its entries, so those are counted before: every one has this mark.</summary>
    private static void CheckParts(ReadOnlySpan<byte> content)
    {
        int parts = content.Count("PK\u0001\u0002"u8);
        if (parts > MaxParts)
        {
            throw new InvalidDataException($"The document has {parts} parts; the limit is {MaxParts}.");
        }
    }
}
