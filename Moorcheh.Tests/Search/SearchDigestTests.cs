using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Search;

/// <summary>Whole searches give the same bits on every instruction set: an answer must not change with the machine.</summary>
[CancelAfter(150_000)]
internal sealed class SearchDigestTests
{
    private TemporaryDirectory _prepared = null!;
    private string _expected = "";

    [OneTimeSetUp]
    public async Task ComputeAsync()
    {
        _prepared = new TemporaryDirectory();
        await SearchDigest.PrepareAsync(_prepared.Path);
        _expected = await RunAsync();
    }

    [OneTimeTearDown]
    public void DeleteDirectory() => _prepared.Dispose();

    [Test]
    public void Compute_ThisProcess_SameInstructions() =>
        Assert.That(_expected, Does.StartWith($"{SearchDigest.VectorBits} "));

    /// <param name="variable">Switches instructions off.</param>
    /// <param name="mostBits">What the child must then calculate with, at most; else the switch does nothing and the test neither.</param>
    [TestCase("DOTNET_EnableAVX512", 256)]
    [TestCase("DOTNET_EnableAVX2", 128)]
    [TestCase("DOTNET_EnableHWIntrinsic", 0)]
    public async Task Compute_FewerInstructions_SameBits(string variable, int mostBits)
    {
        string[] actual = (await RunAsync((variable, "0"))).Split(' ');

        Assert.That(int.Parse(actual[0], System.Globalization.CultureInfo.InvariantCulture), Is.LessThanOrEqualTo(mostBits));
        Assert.That(actual[1], Is.EqualTo(_expected.Split(' ')[1]));
    }

    /// <summary>In a copy of the whole directory, because a process changes what it opens.</summary>
    private async Task<string> RunAsync(params (string Name, string Value)[] environment)
    {
        using var copy = new TemporaryDirectory();
        foreach (string file in Directory.EnumerateFiles(_prepared.Path, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy.Path, Path.GetRelativePath(_prepared.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return await ChildProcess.RunAsync(["search-digest", copy.Path], environment);
    }
}
