using Moorcheh.Http.Endpoints;

namespace Moorcheh.Tests.Http;

/// <summary>A token leads back to its own list and to nothing else.</summary>
public class PageTokenTests
{
    [TestCase("doc-1")]
    [TestCase("é/漢😀")]
    public void ItemToken_SameNamespace_GivesTheId(string id)
    {
        string token = PageToken.ForItem("docs", id);

        Assert.That(PageToken.TryReadItem("docs", token, out string? lastId));
        Assert.That(lastId, Is.EqualTo(id));
        Assert.That(token, Does.Match("^[A-Za-z0-9_-]+$"));
    }

    [Test]
    public void ItemToken_OtherNamespace_IsRefused() =>
        Assert.That(PageToken.TryReadItem("docs2", PageToken.ForItem("docs", "a"), out _), Is.False);

    [TestCase("")]
    [TestCase("abc")]
    [TestCase("not base64!")]
    [TestCase("AAAAAAAAAAAAAAAAAAAA")]
    public void ItemToken_Garbage_IsRefused(string token) => Assert.That(PageToken.TryReadItem("docs", token, out _), Is.False);

    [Test]
    public void ItemToken_AnyCharacterChanged_IsRefused()
    {
        string token = PageToken.ForItem("docs", "doc-12");
        for (int i = 0; i < token.Length; i++)
        {
            string changed = token[..i] + (token[i] == 'x' ? 'y' : 'x') + token[(i + 1)..];
            Assert.That(PageToken.TryReadItem("docs", changed, out _), Is.False, changed);
        }
    }

    [Test]
    public void JobCursor_RoundTrip_KeepsTimeAndId()
    {
        var startedAt = new DateTimeOffset(2026, 5, 21, 12, 0, 0, 123, TimeSpan.Zero);

        Assert.That(PageToken.TryReadJob(PageToken.ForJob(startedAt, "job-1"), out (DateTimeOffset StartedAt, string JobId) job));
        Assert.That(job, Is.EqualTo((startedAt, "job-1")));
        Assert.That(PageToken.TryReadJob(PageToken.ForItem("docs", "a"), out _), Is.False);
    }
}
