using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Recorded;

/// <summary>
/// Requests of every kind to the sidecar, and its answers as they were when they were recorded: what clients see stays the same, byte for byte. To add one,
/// write its request into the file; <c>MOORCHEH_RECORD_REQUESTS=1</c> writes all answers anew, and the difference shows what changed.
/// </summary>
[NonParallelizable]
[CancelAfter(120_000)]
internal sealed class RecordedRequestsTests
{
    private static readonly TimeSpan StepLimit = TimeSpan.FromSeconds(20);

    private static readonly string Directory = Path.Combine(Repository.Root, "Moorcheh.Tests", "Data", "RecordedRequests");

    private static IEnumerable<string> Conversations() =>
        System.IO.Directory.EnumerateFiles(Directory, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Conversations))]
    public async Task Requests_AreAnsweredAsRecorded(string name)
    {
        string path = Path.Combine(Directory, name + ".json");
        RecordedConversation recorded = RecordedConversation.Load(path);
        IReadOnlyList<IReadOnlyList<string>> answers = await RunAsync(recorded);
        if (Environment.GetEnvironmentVariable("MOORCHEH_RECORD_REQUESTS") == "1")
        {
            (recorded with { Steps = [.. recorded.Steps.Zip(answers, (step, answer) => step with { Answer = answer })] }).Save(path);
            return;
        }

        using (Assert.EnterMultipleScope())
        {
            for (int i = 0; i < answers.Count; i++)
            {
                Assert.That(answers[i], Is.EqualTo(recorded.Steps[i].Answer), Describe(recorded, i));
            }
        }
    }

    private static string Describe(RecordedConversation conversation, int step) =>
        $"Step {step}: {string.Join(' ', conversation.Steps[step].Request)} {conversation.Steps[step].Body}";

    private static async Task<IReadOnlyList<IReadOnlyList<string>>> RunAsync(RecordedConversation conversation)
    {
        await using RecordedServer server = await RecordedServer.StartAsync(conversation.Arguments, conversation.HasEmbedder);
        var answers = new RecordedAnswers(server.Directory);
        var read = new IReadOnlyList<string>[conversation.Steps.Count];
        List<(int Step, Task<byte[]> Answer)> later = [];
        for (int i = 0; i < read.Length; i++)
        {
            server.ShowTime(i);
            Task<Task<byte[]>> step = RunAsync(server, conversation.Steps[i], answers);
            Assert.That(await Task.WhenAny(step, Task.Delay(StepLimit, TestStore.Token)) == step, Is.True, Describe(conversation, i));
            if (conversation.Steps[i].IsAnsweredLater)
            {
                later.Add((i, await step));
            }
            else
            {
                read[i] = answers.Read(await await step);
            }
        }

        foreach ((int step, Task<byte[]> answer) in later)
        {
            read[step] = answers.Read(await answer);
        }

        return read;
    }

    /// <returns>The answer, which may be still to come when that was asked for.</returns>
    private static async Task<Task<byte[]>> RunAsync(RecordedServer server, RecordedStep step, RecordedAnswers answers)
    {
        if (step.Release is { } release)
        {
            server.Embedder.Open(release);
            await server.UntilRunningAsync(step.Running);
        }

        if (step.Hold is not null)
        {
            server.Embedder.Close(step.Hold);
        }

        Task<byte[]> answer = RecordedAnswers.SendAsync(server.Address, step.ToBytes(answers.Resolve));
        await (step.IsAnsweredLater ? Task.CompletedTask : answer);
        await (step.Hold is null ? Task.CompletedTask : server.Embedder.HeldAsync(step.Hold));
        await server.UntilRunningAsync(step.Running);
        return answer;
    }
}
