// Writes the built-in model of Moorcheh.Embeddings from the published weights:
//
//   cd eng/model-conversion && npm ci && dotnet run -- ../../Moorcheh.Embeddings/BuiltIn
//
// The same weights give the same bytes. 'dotnet run -- <folder> float32' writes the uncompressed model, to compare with.

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moorcheh.ModelConversion;

if (args.Length is < 1 or > 2)
{
    Console.Error.WriteLine("Usage: dotnet run -- <output folder> [float32]");
    return 1;
}

string source = Path.Combine("node_modules", "@energetic-ai", "model-embeddings-en");
string target = Directory.CreateDirectory(args[0]).FullName;
bool compress = args.ElementAtOrDefault(1) != "float32";

byte[] model = new SentenceEncoderGraph(new PublishedWeights(Path.Combine(source, "dist")), compress).Build();
Write("use-lite.onnx", model);
Write("use-lite.vocab.txt", Vocabulary(Path.Combine(source, "dist", "vocab.json")));
Write("LICENSE", File.ReadAllBytes(Path.Combine(source, "LICENSE")));
return 0;

// One line a piece, in the order of the ids: the piece, a tab, its score as published. A score of null counts as 0.
static byte[] Vocabulary(string path)
{
    using JsonDocument pieces = JsonDocument.Parse(File.ReadAllBytes(path));
    var lines = new StringBuilder();
    foreach (JsonElement piece in pieces.RootElement.EnumerateArray())
    {
        double score = piece[1].ValueKind == JsonValueKind.Null ? 0 : piece[1].GetDouble();
        lines.Append(CultureInfo.InvariantCulture, $"{piece[0].GetString()}\t{score:R}\n");
    }
    return Encoding.UTF8.GetBytes(lines.ToString());
}

void Write(string name, byte[] content)
{
    File.WriteAllBytes(Path.Combine(target, name), content);
    Console.WriteLine($"{Convert.ToHexStringLower(SHA256.HashData(content))}  {name}  {content.Length} bytes");
}
