using System.Text.Json;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Http;

/// <summary>Filters in requests: search, delete, count; and patches of metadata.</summary>
public class FilterRequestTests : ServerFixture
{
    [Test]
    public async Task Search_Filter_LetsThroughWhatPasses_WithTheSameScores()
    {
        string name = await FilledAsync();
        ApiAnswer all = (await Api.PostAsync("/search", $$$"""{"query":[1,0],"namespaces":["{{{name}}}"]}""")).AssertStatus(200);
        ApiAnswer some = (await Api.PostAsync(
            "/search", $$$"""{"query":[1,0],"namespaces":["{{{name}}}"],"filter":{"year":{"$gte":2021},"$not":{"team":"b"}},"metadata":{"year":2022}}""")).AssertStatus(200);
        Assert.That(Ids(some), Is.EqualTo(new[] { "c" }));
        Assert.That(some["results"][0].GetRawText(), Is.EqualTo(all["results"].EnumerateArray().Single(hit => hit.GetProperty("id").GetString() == "c").GetRawText()));
        Assert.That(Ids((await Api.PostAsync("/search", $$$"""{"query":[1,0],"namespaces":["{{{name}}}"],"filter":null}""")).AssertStatus(200)), Has.Length.EqualTo(4));

        (await Api.PostAsync("/search", $$$"""{"query":[1,0],"namespaces":["{{{name}}}"],"filter":{"year":{"$gt":[1]} } }""")).AssertError(
            400, "invalid-filter", "Filter at 'year.$gt' needs a number or a string, not an array.", "error");
        (await Api.PostAsync("/search", $$$"""{"query":[1,0],"namespaces":["{{{name}}}"],"filter":[]}""")).AssertError(
            400, "wrong-type", "Field 'filter' must be an object, not an array.", "error");
    }

    [Test]
    public async Task Count_WithAndWithoutFilter()
    {
        string name = await FilledAsync();
        Assert.That((await Api.PostAsync($"/namespaces/{name}/items/count", "{}")).AssertStatus(200).Text, Is.EqualTo(
            $$"""{"status":"success","namespace_name":"{{name}}","count":4}"""));
        Assert.That((await Api.PostAsync($"/namespaces/{name}/items/count", """{"filter":{"$or":[{"team":"a"},{"year":{"$exists":false}}]}}""")).Number("count"), Is.EqualTo(3));
        (await Api.PostAsync("/namespaces/nope/items/count", "{}")).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
        (await Api.PostAsync($"/namespaces/{name}/items/count", """{"filter":{"a":{"$x":1}}}""")).AssertError(
            400, "invalid-filter", "Filter operator '$x' at 'a.$x' is unknown; it must be one of $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists or $not.");
        Assert.That((await Api.GetAsync($"/namespaces/{name}/items/count")).Status, Is.EqualTo(405));
    }

    [Test]
    public async Task Delete_ByFilter_IsAJob()
    {
        string name = await FilledAsync();
        (await Api.PostAsync($"/namespaces/{name}/items/delete", """{"ids":["a"],"filter":{"team":"a"}}""")).AssertError(
            400, "invalid-filter", "Fields 'ids' and 'filter' must not be sent together.");
        (await Api.PostAsync($"/namespaces/{name}/items/delete", """{"filter":{}}""")).AssertError(
            400, "empty-field", "Field 'filter' must not be empty: every item passes it. Delete the namespace instead.");

        ApiAnswer started = (await Api.PostAsync($"/namespaces/{name}/items/delete", """{"filter":{"team":{"$in":["a","z"]}}}""")).AssertStatus(202);

        string id = started.String("job_id")!;
        Assert.That(started.Text, Is.EqualTo(
            $$"""{"status":"success","message":"Delete by filter started. Poll job status for progress.","job_id":"{{id}}","namespace_name":"{{name}}","total_items":2}"""));
        Assert.That(started.Headers.Location!.ToString(), Is.EqualTo($"/jobs/{id}"));
        JsonElement job;
        do
        {
            job = (await Api.GetAsync($"/jobs/{id}")).AssertStatus(200)["job"];
        }
        while (job.GetProperty("status").GetString() == "running");
        Assert.That(job.GetProperty("type").GetString(), Is.EqualTo("delete_items"));
        Assert.That((job.GetProperty("status").GetString(), job.GetProperty("deleted_items").GetInt64(), job.GetProperty("total_items").GetInt64()), Is.EqualTo(("completed", 2L, 2L)));
        Assert.That((await Api.PostAsync($"/namespaces/{name}/items/count", "{}")).Number("count"), Is.EqualTo(2));
        Assert.That((await Api.GetAsync($"/jobs?namespace={name}&type=delete_items"))["jobs"].GetArrayLength(), Is.EqualTo(1));
        (await Api.PostAsync($"/jobs/{id}/cancel", "{}")).AssertError(409, "job-not-cancellable", $"Job '{id}' deletes data and cannot be cancelled.");
    }

    [Test]
    public async Task Patch_MergesMetadata()
    {
        string name = await FilledAsync();
        ApiAnswer answer = (await Api.PatchAsync($"/namespaces/{name}/items/a", """{"metadata":{"team":null,"year":2030.0,"n":{"x":1}}}""")).AssertStatus(200);
        Assert.That(answer.Text, Is.EqualTo(
            $$$$"""{"status":"success","message":"Metadata of item 'a' updated.","namespace_name":"{{{{name}}}}","id":"a","metadata":{"year":2030.0,"n":{"x":1}}}"""));
        Assert.That((await Api.PostAsync($"/namespaces/{name}/items/count", """{"filter":{"n.x":1,"year":2030,"team":{"$exists":false}}}""")).Number("count"), Is.EqualTo(1));
        (await Api.PatchAsync($"/namespaces/{name}/items/zz", """{"metadata":{}}""")).AssertError(404, "item-not-found", $"Namespace '{name}' has no item 'zz'.");
        (await Api.PatchAsync($"/namespaces/{name}/items/a", "{}")).AssertError(400, "missing-field", "Field 'metadata' is required.");
        (await Api.PatchAsync($"/namespaces/{name}/items/a", """{"metadata":[]}""")).AssertError(400, "wrong-type", "Field 'metadata' must be an object, not an array.");
        (await Api.PatchAsync("/namespaces/nope/items/a", """{"metadata":{}}""")).AssertError(404, "namespace-not-found", "Namespace 'nope' not found.");
    }

    private static string?[] Ids(ApiAnswer answer) => [.. answer["results"].EnumerateArray().Select(hit => hit.GetProperty("id").GetString())];

    private async Task<string> FilledAsync()
    {
        string name = await NewNamespaceAsync(2);
        ApiAnswer started = await Api.PostAsync(
            $"/namespaces/{name}/vectors",
            """
            {"vectors":[{"id":"a","vector":[1,0],"team":"a","year":2020},{"id":"b","vector":[1,1],"team":"b","year":2021},
                        {"id":"c","vector":[1,2],"team":["a","c"],"year":2022},{"id":"d","vector":[0,1]}]}
            """);
        string id = started.AssertStatus(202).String("job_id")!;
        Assert.That((await Api.GetAsync($"/namespaces/{name}/upload-jobs/{id}?wait=30")).Number("successful"), Is.EqualTo(4));
        return name;
    }
}
