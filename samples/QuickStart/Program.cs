using Moorcheh;
using Moorcheh.Embeddings;

using var embedder = OnnxEmbeddingGenerator.CreateBuiltIn();
await using var store = await MoorchehStore.OpenAsync("moorcheh-data", new() { Embedding = { Generator = embedder } });
if (store.FindNamespace("notes") is null)
{
    await store.CreateNamespaceAsync("notes", NamespaceKind.Text);
}

UploadJob upload = await store.UploadDocumentsAsync("notes",
[
    new("1", "The cat sleeps on the warm windowsill."),
    new("2", "Interest rates rose again this quarter."),
    new("3", "A bicycle needs oil on its chain."),
]);
await upload.WaitAsync(); // From here the texts are searchable; they were safe on disk before.
SearchResult found = await store.SearchAsync(new SearchRequest("notes", "Where is my pet?") { TopK = 2 });
foreach (SearchHit hit in found.Hits)
{
    Console.WriteLine($"{hit.Score:F3}  {hit.Label}  {hit.Text}");
}
