using Moorcheh.Embeddings.Onnx;
using Moorcheh.Embeddings.Text;

namespace Moorcheh.Tests.Embeddings;

/// <summary>The invariant: every window is in exactly one batch, no batch is much larger than its budget or much emptier than its rectangle.</summary>
internal sealed class WindowPlannerTests
{
    private static readonly BertTextTokenizer Bert = BertTextTokenizer.Create(["[UNK]", "[CLS]", "[SEP]", "a"], lowerCase: true, SpecialTokens.Bert);

    [Test]
    public void Cut_TextWithSpecialIds_EnclosesEveryWindow()
    {
        TokenWindow[] windows = [.. WindowPlanner.Cut(7, [3, 3, 3, 0, 3], [], Bert, maxTokens: 5, maxWindows: 9)];

        Assert.That(windows.Select(window => window.Tokens.ToArray()), Is.EqualTo(new int[][] { [1, 3, 3, 3, 2], [1, 0, 3, 2] }));
        Assert.That(windows.Select(window => window.Text), Is.All.EqualTo(7));
    }

    [Test]
    public void Cut_TextWithPrompt_BeginsEveryWindowWithIt()
    {
        TokenWindow[] windows = [.. WindowPlanner.Cut(7, [3, 3, 0], [8, 9], Bert, maxTokens: 6, maxWindows: 9)];

        Assert.That(windows.Select(window => window.Tokens.ToArray()), Is.EqualTo(new int[][] { [1, 8, 9, 3, 3, 2], [1, 8, 9, 0, 2] }));
    }

    [Test]
    public void Cut_EmptyText_IsOneWindow()
    {
        Assert.That(WindowPlanner.Cut(0, [], [], Bert, maxTokens: 5, maxWindows: 9).Single().Tokens.ToArray(), Is.EqualTo(new[] { 1, 2 }));
    }

    [TestCase(1, new[] { 0 })]
    [TestCase(2, new[] { 0, 9 })]
    [TestCase(4, new[] { 0, 3, 6, 9 })]
    [TestCase(10, new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 })]
    [TestCase(99, new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 })]
    public void Cut_MoreWindowsThanAllowed_SpreadsThemEvenly(int maxWindows, int[] expected)
    {
        IEnumerable<TokenWindow> windows = WindowPlanner.Cut(0, [.. Enumerable.Range(0, 10)], [], Bert, maxTokens: 3, maxWindows);

        Assert.That(windows.Select(window => window.Tokens.Span[1]), Is.EqualTo(expected));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(16)]
    public void Batch_ManyWindows_KeepsToBudgetAndPadding(int threads)
    {
        var random = new Random(5);
        TokenWindow[] windows = [.. Enumerable.Range(0, 1_000).Select(text => new TokenWindow(text, new int[random.Next(1, 129)]))];

        List<int[]> batches = WindowPlanner.Batch(windows, threads);

        Assert.That(batches.SelectMany(batch => batch).Order(), Is.EqualTo(Enumerable.Range(0, 1_000)));
        foreach (int[] batch in batches)
        {
            int cells = batch.Length * batch.Max(index => windows[index].Tokens.Length);
            int tokens = batch.Sum(index => windows[index].Tokens.Length);
            Assert.That(cells, Is.LessThanOrEqualTo(512));
            Assert.That(cells - tokens, Is.LessThanOrEqualTo(Math.Max(12, cells / 8)));
        }
    }

    [Test]
    public void Batch_FewWindows_GivesEachThreadOne()
    {
        TokenWindow[] windows = [.. Enumerable.Range(0, 32).Select(text => new TokenWindow(text, new int[12]))];

        Assert.That(WindowPlanner.Batch(windows, 2), Has.Count.EqualTo(2));
    }

    [Test]
    public void Batch_NoWindows_GivesNoBatches()
    {
        Assert.That(WindowPlanner.Batch([], 2), Is.Empty);
    }
}
