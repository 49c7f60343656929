using System.Text.Json.Nodes;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Faults;

/// <summary>
/// What is done to one namespace: a function of the seed, so that a process that works and one that checks need share no more than it. An
/// item is a function of its version.
/// </summary>
/// <param name="seed">Of all choices.</param>
/// <param name="name">The namespace.</param>
/// <param name="isText">Texts or vectors.</param>
/// <param name="isHeavy">True: some items have metadata of 20 kB, so that logs turn pages.</param>
internal sealed class FaultWorkload(int seed, string name, bool isText, bool isHeavy)
{
    public const int Dimension = 8;
    private const int Ids = 60;
    private const int HeavyEvery = 32;
    private const int HeavyBytes = 20_000;

    public int Seed { get; } = seed;

    public string Name { get; } = name;

    public bool IsText { get; } = isText;

    public NamespaceKind Kind => IsText ? NamespaceKind.Text : NamespaceKind.Vector;

    /// <summary>Two namespaces of vectors and one of texts.</summary>
    public static FaultWorkload[] Mix(int seed, bool isHeavy) =>
    [
        new(seed, "vectors", isText: false, isHeavy), new(seed + 1, "texts", isText: true, isHeavy: false), new(seed + 2, "more", isText: false, isHeavy: false),
    ];

    /// <summary>Gives every text a direction of its own, so that no two items are equally near to a query.</summary>
    public static TestEmbedder Embedder() => new(Dimension) { Distort = (texts, _) => [.. texts.Select(Embed)] };

    public static float[] Embed(string text) => TestVectors.Gaussian(new Random(Hash(text)), Dimension);

    public static VectorItem Vector(string id, int version) => new(id, TestVectors.Gaussian(new Random(Uploaded(version)), Dimension), Metadata(version));

    public static Document Document(string id, int version) => new(id, Text(version), Metadata(version));

    /// <summary>The version an item was uploaded with; one that was patched has its complement.</summary>
    public static int Uploaded(int version) => version < 0 ? ~version : version;

    /// <summary>The metadata that turn a version into its complement.</summary>
    public static JsonObject Patch(int version) => new() { ["patched"] = version < 0 ? null : true };

    /// <summary>The version that an item's metadata tell.</summary>
    public static int VersionOf(ItemMetadata metadata)
    {
        System.Text.Json.JsonElement json = metadata.ToElement();
        int version = json.GetProperty("v").GetInt32();
        return json.TryGetProperty("patched", out _) ? ~version : version;
    }

    /// <summary>What a search compares an item by.</summary>
    public VectorItem Comparable(string id, int version) => IsText ? new VectorItem(id, Embed(Text(version)), Metadata(version)) : Vector(id, version);

    public FaultStep Step(int index)
    {
        if (index == 0)
        {
            return new FaultStep(false, false, [new FaultOperation(FaultOperationKind.Create, [])]);
        }

        var random = new Random(unchecked((Seed * 1_000_003) + index));
        switch (random.Next(100))
        {
            case < 45:
                return new FaultStep(true, random.Next(3) == 0, [Upload(random, 0, Ids, random.Next(12) == 0 ? 40 : 6)]);
            case < 65:
                return new FaultStep(true, random.Next(3) == 0, [.. Enumerable.Range(0, 3).Select(part => Upload(random, part * Ids / 3, (part + 1) * Ids / 3, 8))]);
            case < 69:
                return new FaultStep(false, random.Next(2) == 0, [new FaultOperation(FaultOperationKind.DeleteBelow, [(string.Empty, random.Next(int.MaxValue / 4))])]);
            case < 77:
                return new FaultStep(false, true, [.. Enumerable.Range(0, 5).Select(_ => new FaultOperation(FaultOperationKind.Patch, [($"id{random.Next(Ids)}", 0)]))]);
            case < 87:
                return new FaultStep(false, true, [new FaultOperation(FaultOperationKind.DeleteItems, [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => ($"id{random.Next(Ids)}", 0)).Distinct()])]);
            case < 93:
                return new FaultStep(false, false, [new FaultOperation(FaultOperationKind.Drop, []), new FaultOperation(FaultOperationKind.Create, [])]);
            case > 95 when IsText:
                return new FaultStep(false, false, [new FaultOperation(FaultOperationKind.Reembed, [])]);
            default:
                return new FaultStep(false, false, [new FaultOperation(FaultOperationKind.Checkpoint, [])]);
        }
    }

    private static ItemMetadata Metadata(int version)
    {
        int uploaded = Uploaded(version);
        var metadata = new JsonObject
        {
            ["v"] = uploaded,
            ["pad"] = new string((char)('a' + (uploaded % 26)), uploaded % HeavyEvery == 0 ? HeavyBytes : uploaded % 50),
        };
        if (version < 0)
        {
            metadata["patched"] = true;
        }

        return metadata;
    }

    private static string Text(int version) => $"text number {Uploaded(version)}";

    private static int Hash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (int)(hash >> 1);
    }

    private FaultOperation Upload(Random random, int from, int to, int most) =>
        new(FaultOperationKind.Upload, [.. Enumerable.Range(0, random.Next(1, most + 1)).Select(_ => ($"id{random.Next(from, to)}", Version(random)))]);

    private int Version(Random random)
    {
        int version = random.Next();
        return isHeavy || version % HeavyEvery != 0 ? version : version + 1;
    }
}
