using Moorcheh.Http.Contracts;
using Moorcheh.Http.Errors;

namespace Moorcheh.Http.Endpoints;

/// <summary>Job status below a namespace, the list of jobs, and one job.</summary>
internal sealed class JobEndpoints(StoreAccess access)
{
    private const int NormalLimit = 50;
    private const double MaxWaitSeconds = 30;
    private const string ReembedType = "reembed";

    public void Map(RouteTable routes)
    {
        routes.Get("/namespaces/{namespace_name}/upload-jobs/{job_id}", GetUploadAsync).WithName(RouteNames.UploadJob);
        routes.Get("/namespaces/{namespace_name}/delete-jobs/{job_id}", GetDeleteAsync).WithName(RouteNames.DeleteJob);
        routes.Get("/jobs", List);
        routes.Get("/jobs/{job_id}", GetAsync).WithName(RouteNames.Job);
        routes.Post("/jobs/{job_id}/cancel", CancelAsync);
    }

    private async Task<JsonAnswer<UploadJobResponse>> GetUploadAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (string name, string id) = (http.GetNamespaceName(), http.GetJobId());
        JobStatus job = (JobStatus?)Find<UploadJobStatus>(store, name, id)
            ?? Find<ReembedJobStatus>(store, name, id)
            ?? throw RequestErrors.JobNotFound("Upload", id, name);
        return new(JobText.ToUploadResponse(await WaitAsync(http, store, job)), WireJson.Default.UploadJobResponse);
    }

    private async Task<JsonAnswer<DeleteJobResponse>> GetDeleteAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        (string name, string id) = (http.GetNamespaceName(), http.GetJobId());
        DeleteJobStatus job = Find<DeleteJobStatus>(store, name, id) ?? throw RequestErrors.JobNotFound("Delete", id, name);
        job = (DeleteJobStatus)await WaitAsync(http, store, job);
        return new(JobText.ToResponse(job), WireJson.Default.DeleteJobResponse);
    }

    private JsonAnswer<JobListResponse> List(HttpContext http)
    {
        // Ours are no words of the published API, whose refusal names its own.
        string? type = http.FindQuery("type") is "delete_items" or ReembedType ? http.FindQuery("type") : http.FindWord("type", ["upload", "delete", "file_ingest", "file_delete"]);
        string? state = http.FindWord("status", ["running", "completed", "failed"]);
        int limit = http.GetLimit(NormalLimit, JobCollection.MaxListed);
        (DateTimeOffset, string)? after = null;
        if (http.FindQuery("cursor") is { } cursor)
        {
            after = PageToken.TryReadJob(cursor, out (DateTimeOffset, string) place)
                ? place
                : throw new MoorchehException(HttpErrorCodes.InvalidToken, "Query parameter 'cursor' is not a cursor of the job list.");
        }

        if (type is "file_ingest" or "file_delete")
        {
            // Documented kinds that this build never starts.
            return new(new JobListResponse(Wire.Success, [], null), WireJson.Default.JobListResponse);
        }

        JobCollection all = access.Store.Jobs;
        var filter = new JobFilter
        {
            Namespace = http.FindQuery("namespace"),
            Kind = type switch
            {
                "upload" => JobKind.Upload,
                "delete" => JobKind.Delete,
                "delete_items" => JobKind.DeleteItems,
                ReembedType => JobKind.Reembed,
                _ => null,
            },
            State = state switch { "running" => JobState.Running, "completed" => JobState.Completed, "failed" => JobState.Failed, _ => null },
            Limit = limit,
            After = after,
        };
        IReadOnlyList<JobStatus> found = all.List(filter);
        JobEntry[] jobs = [.. found.Select(job => JobText.ToEntry(job))];
        string? next = null;
        if (found.Count == limit && all.List(filter with { Limit = 1, After = (found[^1].StartedAt, found[^1].Id) }).Count > 0)
        {
            next = PageToken.ForJob(found[^1].StartedAt, found[^1].Id);
        }

        return new(new JobListResponse(Wire.Success, jobs, next), WireJson.Default.JobListResponse);
    }

    private async Task<JsonAnswer<JobResponse>> GetAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        string id = http.GetJobId();
        JobStatus job = store.Jobs.Find(id) ?? throw RequestErrors.JobNotFound(id);
        JobErrors? errors = job.Kind != JobKind.Delete ? await store.Jobs.FindErrorsAsync(id, http.RequestAborted) : null;
        return new(new JobResponse(Wire.Success, JobText.ToEntry(job, errors)), WireJson.Default.JobResponse);
    }

    private async Task<JsonAnswer<JobResponse>> CancelAsync(HttpContext http)
    {
        MoorchehStore store = access.Store;
        string id = http.GetJobId();
        JobStatus job = await store.Jobs.CancelAsync(id) ?? throw RequestErrors.JobNotFound(id);
        return new(
            new JobResponse(Wire.Success, JobText.ToEntry(job, await store.Jobs.FindErrorsAsync(id, http.RequestAborted))), WireJson.Default.JobResponse);
    }

    /// <summary>A job of a kind that was started for a namespace of this name; null when the id is of none.</summary>
    private static TStatus? Find<TStatus>(MoorchehStore store, string name, string id)
        where TStatus : JobStatus => store.Jobs.Find(id) is TStatus job && job.Namespace == name ? job : null;

    /// <summary>Waits as long as the client asked for; the end of the time, or of the server, ends the wait with the state of then.</summary>
    private async Task<JobStatus> WaitAsync(HttpContext http, MoorchehStore store, JobStatus job)
    {
        TimeSpan wait = http.GetSeconds("wait", MaxWaitSeconds);
        if (wait == TimeSpan.Zero || job.State != JobState.Running)
        {
            return job;
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, access.Stopping);
        end.CancelAfter(wait);
        try
        {
            return await store.Jobs.WaitAsync(job.Id, end.Token) ?? job;
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            return store.Jobs.Find(job.Id) ?? job;
        }
        catch (MoorchehException e) when (e.Code == ErrorCodes.ShuttingDown)
        {
            return job;
        }
    }
}
