using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Moorcheh.Tests.Support;

/// <summary>Calls the REST API of a running server.</summary>
internal sealed class ApiClient(HttpClient http) : IDisposable
{
    public ApiClient(Uri address)
        : this(new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(100) })
    {
    }

    public HttpClient Http => http;

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Delete, path));

    public Task<ApiAnswer> PostAsync(string path, [System.Diagnostics.CodeAnalysis.StringSyntax("Json")] string json) =>
        PostAsync(path, Encoding.UTF8.GetBytes(json));

    public Task<ApiAnswer> PatchAsync(string path, [System.Diagnostics.CodeAnalysis.StringSyntax("Json")] string json) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Patch, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") });

    public Task<ApiAnswer> PostAsync(string path, object body) => PostAsync(path, JsonSerializer.SerializeToUtf8Bytes(body));

    public Task<ApiAnswer> PostAsync(string path, byte[] body, string? contentType = "application/json")
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        return SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = content });
    }

    public async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await http.SendAsync(request);
        return new ApiAnswer(
            (int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    /// <summary>Creates a namespace and expects success.</summary>
    public async Task CreateAsync(string name, int? dimension = null)
    {
        object body = dimension is { } values
            ? new { namespace_name = name, type = "vector", vector_dimension = values }
            : new { namespace_name = name, type = "text" };
        (await PostAsync("/namespaces", body)).AssertStatus(201);
    }

    /// <summary>Uploads vectors, waits for the job and returns its final status.</summary>
    public async Task<ApiAnswer> UploadVectorsAsync(string name, params (string Id, float[] Vector)[] items)
    {
        ApiAnswer started = await PostAsync(
            $"/namespaces/{name}/vectors", new { vectors = items.Select(item => new { id = item.Id, vector = item.Vector }) });
        return await FinishAsync(started);
    }

    /// <summary>Uploads documents, waits for the job and returns its final status.</summary>
    public async Task<ApiAnswer> UploadDocumentsAsync(string name, params (string Id, string Text)[] items)
    {
        ApiAnswer started = await PostAsync(
            $"/namespaces/{name}/documents", new { documents = items.Select(item => new { id = item.Id, text = item.Text }) });
        return await FinishAsync(started);
    }

    /// <summary>Follows the Location of a 202 until the job has finished.</summary>
    public async Task<ApiAnswer> FinishAsync(ApiAnswer started)
    {
        started.AssertStatus(202);
        while (true)
        {
            ApiAnswer job = (await GetAsync($"{started.Headers.Location}?wait=30")).AssertStatus(200);
            if (job.String("status") != "running")
            {
                return job;
            }
        }
    }

    /// <summary>Deletes a namespace and waits for the end.</summary>
    public async Task<ApiAnswer> DeleteNamespaceAsync(string name) => await FinishAsync(await DeleteAsync($"/namespaces/{name}"));

    public void Dispose() => http.Dispose();
}
