using Microsoft.Extensions.Logging;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Storage;

/// <summary>Opens a store and searches it, in a process of its own: whether the indexes were read or made anew, and what was found.</summary>
internal static class IndexAnswers
{
    public const string Name = "index-answers";
    public const string Read = "read";
    public const string MadeAnew = "made anew";

    public static async Task<string> ComputeAsync(string directory)
    {
        var logger = new RecordingLogger();
        MoorchehOptions options = TestStore.Options();
        options.LoggerFactory = LoggerFactory.Create(builder => builder.AddProvider(logger));
        await using MoorchehStore store = await MoorchehStore.OpenAsync(directory, options);
        NamespaceInfo info = store.ListNamespaces().Single();
        List<string> lines = [logger.Entries.Any(entry => entry.Message.Contains("is made anew", StringComparison.Ordinal)) ? MadeAnew : Read];
        var random = new Random(5);
        for (int q = 0; q < 10; q++)
        {
            SearchGuarantee guarantee = q % 2 == 0 ? SearchGuarantee.Certified : SearchGuarantee.Absolute;
            SearchResult found = await store.SearchAsync(new SearchRequest(info.Name, TestVectors.Gaussian(random, info.Dimension!.Value)) { Guarantee = guarantee });
            lines.AddRange(found.Hits.Select(hit => $"{hit.Id} {hit.Cosine:R}"));
        }

        return string.Join(',', lines);
    }
}
