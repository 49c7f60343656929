// Writes the built-in model of Moorcheh.Embeddings from the published weights:
//
//   cd eng/model-conversion && dotnet run -- ../../Moorcheh.Embeddings/BuiltIn
//
// The same weights give the same bytes. 'dotnet run -- <folder> original' writes a model folder with the file as published, in float32; the name of a
// ProductForm writes our graph in that form, and 'reference' the vectors of the published file that the tests compare with.

using System.Security.Cryptography;
using Moorcheh.ModelConversion;

const string name = "arctic-embed-xs";
if (args.Length is < 1 or > 2)
{
    Console.Error.WriteLine("Usage: dotnet run -- <output folder> [original|reference|float32|rows|dynamic|blocks]");
    return 1;
}

string target = Directory.CreateDirectory(args[0]).FullName;
string asked = args.ElementAtOrDefault(1) ?? nameof(ProductForm.Rows);
PublishedModel published = PublishedModel.Read();
if (asked == "reference")
{
    Write("reference.json", await ReferenceVectors.ComputeAsync(published));
    return 0;
}
if (asked == "original")
{
    Write("model.onnx", published.Onnx);
    Write("vocab.txt", published.Vocabulary);
    Directory.CreateDirectory(Path.Combine(target, "1_Pooling"));
    Write("1_Pooling/config.json", """{"pooling_mode_cls_token": true}"""u8.ToArray());
    Write("sentence_bert_config.json", """{"max_seq_length": 512, "do_lower_case": true}"""u8.ToArray());
    Write("config_sentence_transformers.json", """{"prompts": {"query": "Represent this sentence for searching relevant passages: "}}"""u8.ToArray());
    return 0;
}

Write(name + ".onnx", new EncoderGraph(published, Enum.Parse<ProductForm>(asked, ignoreCase: true)).Build());

// The package's copy has line ends of Windows; the file is as BERT publishes it.
Write(name + ".vocab.txt", [.. published.Vocabulary.Where(octet => octet != (byte)'\r')]);
return 0;

void Write(string file, byte[] content)
{
    File.WriteAllBytes(Path.Combine(target, file), content);
    Console.WriteLine($"{Convert.ToHexStringLower(SHA256.HashData(content))}  {file}  {content.Length} bytes");
}
