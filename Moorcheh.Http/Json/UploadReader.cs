using System.Text.Json;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Json;

/// <summary>
/// Turns the body of an upload into entries. All of the JSON is checked first; then the entries are read and checked one by
/// one, so that of several mistakes the one of the lowest index is answered.
/// </summary>
internal static class UploadReader
{
    /// <summary>Reads <c>{"documents":[...]}</c>.</summary>
    public static List<Document> ReadDocuments(ReadOnlySpan<byte> body, FieldPlace? place, MoorchehOptions options)
    {
        ReadOnlySpan<byte> array = FindArray(body, place, "documents", options.Limits.MaxUploadItems);
        var reader = new Utf8JsonReader(array, Reading);
        reader.Read();
        var documents = new List<Document>(place!.Value.Entries);
        var metadata = new MetadataBuilder();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            documents.Add(ReadDocument(array, ref reader, documents.Count, metadata, options));
        }

        return documents;
    }

    /// <summary>Reads <c>{"vectors":[...]}</c>; the values go into <paramref name="floats"/>, which must outlive the entries.</summary>
    public static List<VectorItem> ReadVectors(
        ReadOnlySpan<byte> body, FieldPlace? place, NamespaceInfo target, FloatSlabs floats, MoorchehOptions options)
    {
        ReadOnlySpan<byte> array = FindArray(body, place, "vectors", options.Limits.MaxUploadItems);
        var reader = new Utf8JsonReader(array, Reading);
        reader.Read();
        var vectors = new List<VectorItem>(place!.Value.Entries);
        var metadata = new MetadataBuilder();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            vectors.Add(ReadVector(array, ref reader, vectors.Count, target, floats, metadata, options));
        }

        return vectors;
    }

    private static JsonReaderOptions Reading => new() { MaxDepth = JsonSyntax.MaxDepth };

    private static ReadOnlySpan<byte> FindArray(ReadOnlySpan<byte> body, FieldPlace? place, string field, int limit)
    {
        var root = new Utf8JsonReader(body, Reading);
        root.Read();
        if (root.TokenType != JsonTokenType.StartObject)
        {
            throw RequestErrors.BodyNotObject(RequestErrors.KindOf(SentField.KindOf(root.TokenType)));
        }

        if (place is not { } found || found.Kind == JsonValueKind.Null)
        {
            throw RequestErrors.MissingField(field);
        }

        if (found.Kind != JsonValueKind.Array)
        {
            throw RequestErrors.WrongType($"Field '{field}'", "an array", RequestErrors.KindOf(found.Kind));
        }

        if (found.Entries == 0)
        {
            throw RequestErrors.EmptyField(field);
        }

        if (found.Entries > limit)
        {
            throw RequestErrors.TooMany(ErrorCodes.TooManyItems, field, found.Entries, limit);
        }

        return body[found.Start..];
    }

    private static Document ReadDocument(
        ReadOnlySpan<byte> json, ref Utf8JsonReader reader, int index, MetadataBuilder metadata, MoorchehOptions options)
    {
        CheckIsEntry(reader.TokenType, "Document", index);
        metadata.Clear();
        SentField id = default;
        SentField text = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                id = SentField.Read(ref reader);
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                text = SentField.Read(ref reader);
            }
            else
            {
                ReadOnlySpan<byte> name = SentField.RawName(json, ref reader);
                metadata.Add(name, SentField.ReadRaw(json, ref reader));
            }
        }

        string entryId = ReadId(id, "Document", index, options);
        JsonValueKind kind = text.Kind;
        if (kind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"Document {index} ('{entryId}') has no 'text'.");
        }

        if (kind != JsonValueKind.String)
        {
            throw RequestErrors.WrongType($"Document {index} ('{entryId}'): 'text'", "a string", RequestErrors.KindOf(kind));
        }

        var document = new Document(entryId, text.Text!, metadata.Build());
        ItemRules.Check(document, index, options);
        return document;
    }

    private static VectorItem ReadVector(
        ReadOnlySpan<byte> json,
        ref Utf8JsonReader reader,
        int index,
        NamespaceInfo target,
        FloatSlabs floats,
        MetadataBuilder metadata,
        MoorchehOptions options)
    {
        CheckIsEntry(reader.TokenType, "Vector", index);
        metadata.Clear();
        int dimension = target.Dimension ?? 0;
        Memory<float> values = floats.Take(dimension);
        NumberArray numbers = default;
        JsonValueKind kind = JsonValueKind.Null;
        SentField id = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                id = SentField.Read(ref reader);
            }
            else if (reader.ValueTextEquals("vector"u8))
            {
                reader.Read();
                kind = SentField.KindOf(reader.TokenType);
                if (kind == JsonValueKind.Array)
                {
                    numbers = SentField.ReadNumbers(ref reader, values.Span);
                }
                else
                {
                    reader.Skip();
                }
            }
            else
            {
                ReadOnlySpan<byte> name = SentField.RawName(json, ref reader);
                metadata.Add(name, SentField.ReadRaw(json, ref reader));
            }
        }

        string entryId = ReadId(id, "Vector", index, options);
        if (kind == JsonValueKind.Null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"Vector {index} ('{entryId}') has no 'vector'.");
        }

        if (kind != JsonValueKind.Array)
        {
            throw RequestErrors.WrongType($"Vector {index} ('{entryId}'): 'vector'", "an array of numbers", RequestErrors.KindOf(kind));
        }

        CheckNumbers(numbers, index, entryId, target);
        var item = new VectorItem(entryId, (ReadOnlyMemory<float>)values, metadata.Build());
        ItemRules.Check(item, index, target.Name, dimension, options);
        return item;
    }

    private static void CheckNumbers(NumberArray numbers, int index, string id, NamespaceInfo target)
    {
        if (numbers.BadKind == JsonValueKind.Number)
        {
            throw new MoorchehException(ErrorCodes.NonFiniteValue, $"Vector {index} ('{id}'): value {numbers.Count} is not a finite number.");
        }

        if (numbers.BadKind != JsonValueKind.Undefined)
        {
            throw RequestErrors.WrongType($"Vector {index} ('{id}'): value {numbers.Count}", "a number", RequestErrors.KindOf(numbers.BadKind));
        }

        if (numbers.Count != target.Dimension)
        {
            throw new MoorchehException(
                ErrorCodes.DimensionMismatch,
                $"Vector {index} ('{id}') has {numbers.Count} values; namespace '{target.Name}' needs {target.Dimension}.");
        }
    }

    private static void CheckIsEntry(JsonTokenType token, string name, int index)
    {
        if (token != JsonTokenType.StartObject)
        {
            throw RequestErrors.WrongType($"{name} {index}", "an object", RequestErrors.KindOf(SentField.KindOf(token)));
        }
    }

    private static string ReadId(SentField sent, string name, int index, MoorchehOptions options)
    {
        JsonValueKind kind = sent.Kind;
        if (kind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"{name} {index} has no 'id'.");
        }

        if (kind != JsonValueKind.String)
        {
            throw RequestErrors.WrongType($"{name} {index}: 'id'", "a string", RequestErrors.KindOf(kind));
        }

        string id = sent.Text!;

        // The rules of the id come before everything else in the entry. Texts that reach the rules later pass them again.
        if (id.Length is 0 or > ItemRules.MaxIdBytes / 3)
        {
            CheckId(id, name, index, options);
        }

        return id;
    }

    /// <summary>Lets the store's rules judge the id alone: the other parts of these entries are always good.</summary>
    private static void CheckId(string id, string name, int index, MoorchehOptions options)
    {
        if (name == "Document")
        {
            ItemRules.Check(new Document(id, "-"), index, options);
        }
        else
        {
            ItemRules.Check(new VectorItem(id, new float[1]), index, "", 1, options);
        }
    }
}
