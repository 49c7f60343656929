// Documents in a collection, and the messages about the work on them. Needs a sidecar and the broker it sends to; see README.md.
//   dotnet run -- [sidecar] [broker]
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

string sidecar = args.ElementAtOrDefault(0) ?? Environment.GetEnvironmentVariable("MOORCHEH_SERVER") ?? "http://127.0.0.1:8080";
string broker = args.ElementAtOrDefault(1) ?? Environment.GetEnvironmentVariable("MOORCHEH_CALLBACK_BROKER") ?? "amqp://guest:guest@127.0.0.1:5672/";
string[] documents = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "documents"));
using var http = new HttpClient { BaseAddress = new Uri(sidecar) };

// A queue of our own, gone with the connection. The sidecar declares the exchange "main", and nothing else.
await using IConnection connection = await new ConnectionFactory { Uri = new Uri(broker) }.CreateConnectionAsync();
await using IChannel channel = await connection.CreateChannelAsync();
string queue = (await channel.QueueDeclareAsync()).QueueName;
await channel.QueueBindAsync(queue, "main", "sample.#");
var ends = Channel.CreateUnbounded<string>();
var consumer = new AsyncEventingBasicConsumer(channel);
consumer.ReceivedAsync += async (_, delivery) =>
{
    // A message may come twice; its id tells. What it is about is in the properties we gave.
    JsonElement message = JsonDocument.Parse(delivery.Body).RootElement;
    string document = message.GetProperty("callback_properties").GetProperty("document").GetString()!;
    Console.WriteLine($"  {delivery.RoutingKey,-16} {document,-18} {message.GetProperty(delivery.RoutingKey == "sample.error" ? "error" : "data").GetRawText()}");
    if (delivery.RoutingKey != "sample.progress")
    {
        await ends.Writer.WriteAsync(delivery.RoutingKey);
    }
};
await channel.BasicConsumeAsync(queue, autoAck: true, consumer);

Console.WriteLine($"Ingesting {documents.Length} documents:");
foreach (string document in documents)
{
    string name = Path.GetFileName(document);
    var ingest = new { artifact = name, collection = "sample", input = new { type = "file", value = Convert.ToBase64String(File.ReadAllBytes(document)) }, metadata = new { file_name = name } };
    await PostAsync("/v1/artifacts/ingest/async", new { ingest_body = ingest, callback = CallbackFor(name) });
}

await EndsAsync();
Console.WriteLine("When may I use the hose?");
JsonElement found = await PostAsync("/search", new { namespaces = new[] { "sample" }, query = "When may I use the hose?", top_k = 1 });
Console.WriteLine($"  {found.GetProperty("results")[0].GetProperty("metadata").GetProperty("file_name")}: {found.GetProperty("results")[0].GetProperty("text").GetString()!.ReplaceLineEndings(" ")}");

Console.WriteLine("Deleting them:");
foreach (string name in documents.Select(document => Path.GetFileName(document)))
{
    await PostAsync("/v1/artifacts/delete/async", new { delete_body = new { collection = "sample", artifact = name }, callback = CallbackFor(name) });
}

await EndsAsync();

object CallbackFor(string document) => new
{
    amqp = new { exchange = "main", routing_key_done = "sample.done", routing_key_progress = "sample.progress", routing_key_error = "sample.error" },
    properties = new { document },
};

async Task EndsAsync()
{
    for (int i = 0; i < documents.Length; i++)
    {
        await ends.Reader.ReadAsync();
    }
}

async Task<JsonElement> PostAsync(string path, object body)
{
    using HttpResponseMessage answer = await http.PostAsJsonAsync(path, body);
    string text = await answer.Content.ReadAsStringAsync();
    return answer.IsSuccessStatusCode ? JsonDocument.Parse(text).RootElement : throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {text}");
}
