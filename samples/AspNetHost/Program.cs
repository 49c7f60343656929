// A store inside a web app: the app's own endpoints use it directly, and the REST API serves the same data below /moorcheh.
//   curl -X POST 'http://localhost:5000/notes?text=The+cat+sleeps+on+the+windowsill'
//   curl 'http://localhost:5000/notes?about=my+pet'
//   curl http://localhost:5000/moorcheh/namespaces
using Microsoft.Extensions.AI;
using Moorcheh;
using Moorcheh.Embeddings;
using Moorcheh.Http;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(_ => OnnxEmbeddingGenerator.CreateBuiltIn());
builder.Services.AddMoorcheh(options => options.DataDirectory = "moorcheh-data"); // Takes the generator of the container.

WebApplication app = builder.Build();
app.MapGroup("/moorcheh").MapMoorcheh();
app.MapPost("/notes", async (string text, MoorchehStore store) =>
{
    Job<UploadJobStatus> job = await store.UploadDocumentsAsync("notes", [new Document(Guid.NewGuid().ToString("N"), text)]);
    return (await job.WaitAsync()).Successful; // Leave the wait out to answer as soon as the note is safe on disk.
});
app.MapGet("/notes", async (string about, MoorchehStore store) =>
    (await store.SearchAsync(new SearchRequest("notes", about) { TopK = 3 })).Hits.Select(hit => new { hit.Score, hit.Label, hit.Text }));

await app.StartAsync(); // From here the store is open.
MoorchehStore notes = app.Services.GetRequiredService<MoorchehStore>();
if (notes.FindNamespace("notes") is null)
{
    await notes.CreateNamespaceAsync("notes", NamespaceKind.Text);
}

await app.WaitForShutdownAsync();
