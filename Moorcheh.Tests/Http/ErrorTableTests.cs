using System.Reflection;
using Moorcheh.Http;
using Moorcheh.Http.Errors;

namespace Moorcheh.Tests.Http;

/// <summary>Every code has a rule of its own: an unknown code would be answered as a defect.</summary>
public class ErrorTableTests
{
    [TestCaseSource(nameof(AllCodes))]
    public void Table_EveryCode_HasARule(string code) => Assert.That(ErrorTable.Codes, Does.Contain(code));

    [Test]
    public void Table_HoldsNothingElse() => Assert.That(ErrorTable.Codes, Is.EquivalentTo(AllCodes()));

    [TestCase("namespace-not-found", 404, 400)]
    [TestCase("namespace-deleting", 409, 400)]
    [TestCase("namespace-delete-failed", 409, 400)]
    [TestCase("embedding-model-mismatch", 409, 400)]
    [TestCase("embedder-missing", 502, 400)]
    [TestCase("embedder-failed", 502, 400)]
    [TestCase("wrong-namespace-type", 400, 400)]
    [TestCase("not-ready", 503, 503)]
    [TestCase("body-too-large", 413, 413)]
    [TestCase("unsupported-content-type", 415, 415)]
    [TestCase("unsupported-content-encoding", 415, 415)]
    [TestCase("invalid-content-encoding", 400, 400)]
    [TestCase("unknown-host", 421, 421)]
    [TestCase("unauthorized", 401, 401)]
    [TestCase("storage-full", 507, 507)]
    [TestCase("storage-read-only", 507, 507)]
    [TestCase("storage-damaged", 500, 500)]
    public void Table_Code_HasTheSpecifiedStatus(string code, int status, int searchStatus)
    {
        ErrorRule rule = ErrorTable.Get(code);

        Assert.That((rule.StatusFor(isSearch: false), rule.StatusFor(isSearch: true)), Is.EqualTo((status, searchStatus)));
    }

    private static IEnumerable<string> AllCodes() => new[] { typeof(ErrorCodes), typeof(HttpErrorCodes) }
        .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
        .Select(field => (string)field.GetRawConstantValue()!);
}
