using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Kernels;

[TestFixture]
public sealed class KernelDigestTests
{
    /// <summary>The answer must not depend on the machine: a store may be built on one and searched on another.</summary>
    [TestCase("DOTNET_EnableAVX512=0")]
    [TestCase("DOTNET_EnableAVX2=0")]
    [TestCase("DOTNET_EnableAVX=0")]
    [TestCase("DOTNET_EnableHWIntrinsic=0")]
    [CancelAfter(150_000)]
    public async Task Compute_FewerInstructions_SameBits(string setting)
    {
        string[] parts = setting.Split('=');
        string expected = KernelDigest.Compute();

        string actual = await ChildProcess.RunAsync("kernel-digest", (parts[0], parts[1]));

        Assert.That(actual, Is.EqualTo(expected));
    }
}
