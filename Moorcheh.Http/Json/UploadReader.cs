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
        JsonCursor cursor = EnterArray(body, place, "documents", options.Limits.MaxUploadItems);
        var documents = new List<Document>(place!.Value.Entries);
        var metadata = new MetadataBuilder();
        while (cursor.MoveNext())
        {
            documents.Add(ReadDocument(ref cursor, documents.Count, metadata, options));
        }

        return documents;
    }

    /// <summary>Reads <c>{"vectors":[...]}</c>; the values go into <paramref name="floats"/>, which must outlive the entries.</summary>
    public static List<VectorItem> ReadVectors(
        ReadOnlySpan<byte> body, FieldPlace? place, NamespaceInfo target, FloatSlabs floats, MoorchehOptions options)
    {
        JsonCursor cursor = EnterArray(body, place, "vectors", options.Limits.MaxUploadItems);
        var vectors = new List<VectorItem>(place!.Value.Entries);
        var metadata = new MetadataBuilder();
        while (cursor.MoveNext())
        {
            vectors.Add(ReadVector(ref cursor, vectors.Count, target, floats, metadata, options));
        }

        return vectors;
    }

    private static JsonCursor EnterArray(ReadOnlySpan<byte> body, FieldPlace? place, string field, int limit)
    {
        JsonValueKind root = new JsonCursor(body).PeekKind();
        if (root != JsonValueKind.Object)
        {
            throw RequestErrors.BodyNotObject(RequestErrors.KindOf(root));
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

        var cursor = new JsonCursor(body, found.Start);
        cursor.Enter();
        return cursor;
    }

    private static Document ReadDocument(ref JsonCursor cursor, int index, MetadataBuilder metadata, MoorchehOptions options)
    {
        EnterEntry(ref cursor, "Document", index);
        metadata.Clear();
        ReadOnlySpan<byte> id = default;
        ReadOnlySpan<byte> text = default;
        while (cursor.MoveNext())
        {
            ReadOnlySpan<byte> name = cursor.ReadName();
            if (JsonCursor.IsName(name, "id"u8))
            {
                id = cursor.ReadRaw();
            }
            else if (JsonCursor.IsName(name, "text"u8))
            {
                text = cursor.ReadRaw();
            }
            else
            {
                metadata.Add(name, cursor.ReadRaw());
            }
        }

        string entryId = ReadId(id, "Document", index, options);
        JsonValueKind kind = KindOf(text);
        if (kind == JsonValueKind.Null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"Document {index} ('{entryId}') has no 'text'.");
        }

        if (kind != JsonValueKind.String)
        {
            throw RequestErrors.WrongType($"Document {index} ('{entryId}'): 'text'", "a string", RequestErrors.KindOf(kind));
        }

        var document = new Document(entryId, JsonCursor.Decode(text), metadata.Build());
        ItemRules.Check(document, index, options);
        return document;
    }

    private static VectorItem ReadVector(
        ref JsonCursor cursor, int index, NamespaceInfo target, FloatSlabs floats, MetadataBuilder metadata, MoorchehOptions options)
    {
        EnterEntry(ref cursor, "Vector", index);
        metadata.Clear();
        int dimension = target.Dimension ?? 0;
        Memory<float> values = floats.Take(dimension);
        NumberArray numbers = default;
        JsonValueKind kind = JsonValueKind.Null;
        ReadOnlySpan<byte> id = default;
        while (cursor.MoveNext())
        {
            ReadOnlySpan<byte> name = cursor.ReadName();
            if (JsonCursor.IsName(name, "id"u8))
            {
                id = cursor.ReadRaw();
            }
            else if (JsonCursor.IsName(name, "vector"u8))
            {
                kind = cursor.PeekKind();
                if (kind == JsonValueKind.Array)
                {
                    numbers = cursor.ReadNumbers(values.Span);
                }
                else
                {
                    cursor.ReadRaw();
                }
            }
            else
            {
                metadata.Add(name, cursor.ReadRaw());
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

    private static void EnterEntry(ref JsonCursor cursor, string name, int index)
    {
        JsonValueKind kind = cursor.PeekKind();
        if (kind != JsonValueKind.Object)
        {
            throw RequestErrors.WrongType($"{name} {index}", "an object", RequestErrors.KindOf(kind));
        }

        cursor.Enter();
    }

    private static string ReadId(ReadOnlySpan<byte> raw, string name, int index, MoorchehOptions options)
    {
        JsonValueKind kind = KindOf(raw);
        if (kind == JsonValueKind.Null)
        {
            throw new MoorchehException(ErrorCodes.MissingField, $"{name} {index} has no 'id'.");
        }

        if (kind != JsonValueKind.String)
        {
            throw RequestErrors.WrongType($"{name} {index}: 'id'", "a string", RequestErrors.KindOf(kind));
        }

        string id = JsonCursor.Decode(raw);

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

    private static JsonValueKind KindOf(ReadOnlySpan<byte> raw) => raw.IsEmpty ? JsonValueKind.Null : new JsonCursor(raw).PeekKind();
}
