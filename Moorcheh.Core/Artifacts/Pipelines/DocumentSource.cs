using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Moorcheh.Artifacts.Tasks;
using Moorcheh.Changes;
using Moorcheh.Diagnostics;
using Moorcheh.Storage;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Gets the bytes of an ingest from the journal or its address, and the text out of them.</summary>
internal sealed class DocumentSource(ChangeLog log, MoorchehOptions options, ILogger logger)
{
    private static readonly string[] ServerKeys = ["file_name", "artifact_id", "collection", "llm_model", EmbedModel.Key, "hash"];

    /// <summary>The bytes.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFile"/> or <see cref="ErrorCodes.UriNotAccessible"/>.</exception>
    public async Task<ReadOnlyMemory<byte>> FetchAsync(ArtifactTaskAccepted accepted, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> content = ReadPayload(accepted);
        if (accepted.InputKind == ArtifactInputKind.Uri)
        {
            IUriReader reader = options.Artifacts.UriReader ?? throw new MoorchehException(ErrorCodes.UriNotAccessible, "The URI resource could not be accessed");
            try
            {
                content = await reader.ReadAsync(new Uri(Encoding.UTF8.GetString(content.Span)), cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (DiskTrouble.Is(e))
            {
                // Of the address, not of the disk of the store.
                throw new MoorchehException(ErrorCodes.UriNotAccessible, "The URI resource could not be accessed", e);
            }
        }

        return content.IsEmpty ? throw InvalidFile.Create(InvalidFile.Size) : content;
    }

    /// <summary>The name of the file: that of the metadata, if it has a suffix, else that of the input.</summary>
    public static string FileNameOf(ArtifactTaskAccepted accepted) =>
        accepted.Metadata.ToElement().TryGetProperty("file_name", out JsonElement name)
        && name.ValueKind == JsonValueKind.String
        && Path.GetExtension(name.GetString()!).Length > 0
            ? name.GetString()!
            : accepted.FileName;

    /// <summary>The metadata an artifact gets: the server's keys win over equal ones of the caller.</summary>
    public static ItemMetadata Describe(ArtifactTaskAccepted accepted, string fileName, string embedModel, ReadOnlySpan<byte> content)
    {
        string[] values = [fileName, accepted.Artifact, accepted.Collection, "default", embedModel, Convert.ToHexStringLower(SHA256.HashData(content))];
        return ItemMetadata.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString(ServerKeys[0], values[0]);
            foreach (JsonProperty property in accepted.Metadata.ToElement().EnumerateObject().Where(property => !ServerKeys.Contains(property.Name)))
            {
                property.WriteTo(writer);
            }

            for (int i = 1; i < ServerKeys.Length; i++)
            {
                writer.WriteString(ServerKeys[i], values[i]);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>The reader for an input.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFile"/>.</exception>
    public IDocumentReader GetReader(ArtifactInputKind kind, string fileName)
    {
        if (kind == ArtifactInputKind.Text)
        {
            return TextDocumentReader.Instance;
        }

        string suffix = Path.GetExtension(fileName).ToLowerInvariant();
        return options.Artifacts.Readers.Append(TextDocumentReader.Instance).FirstOrDefault(reader => reader.Suffixes.Contains(suffix))
            ?? throw InvalidFile.Create(InvalidFile.Extension);
    }

    /// <summary>The text of a document.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.InvalidFile"/>.</exception>
    public string Read(IDocumentReader reader, string fileName, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = reader.Read(content, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.DocumentNotRead(Path.GetExtension(fileName), e);
            throw InvalidFile.Create(InvalidFile.Malformed, e);
        }

        return string.IsNullOrWhiteSpace(text) ? throw InvalidFile.Create(InvalidFile.NoNodes) : text;
    }

    private byte[] ReadPayload(ArtifactTaskAccepted accepted)
    {
        byte[] content = new byte[accepted.PayloadBytes];
        int length = 0;
        foreach (long address in accepted.Parts)
        {
            ReadOnlySpan<byte> part = ArtifactPayload.Read(log.Read(address, JournalEntryType.ArtifactPayload).Span);
            part.CopyTo(content.AsSpan(length));
            length += part.Length;
        }

        return content;
    }
}
