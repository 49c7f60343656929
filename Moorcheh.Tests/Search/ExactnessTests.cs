using Moorcheh.Tests.Support;
using static Moorcheh.Tests.Support.TestStore;

namespace Moorcheh.Tests.Search;

/// <summary>
/// Whatever the vectors look like, Certified and Absolute give the hits of brute force, in its order, with its cosines to the last bit;
/// and Fast gives 999 of 1,000 of them over all data sets together.
/// </summary>
/// <remarks>
/// Each namespace has a random rotation, so every run is another sample. Fast may miss a neighbour with probability 0.011 at most, by
/// proof; measured, it is about 1e-4, because the bound leaves out what the neighbour's own nearness takes off the error.
/// </remarks>
internal sealed class ExactnessTests
{
    private static readonly Dictionary<string, Func<DataSet>> Sets = MakeSets();

    private int _neighbours;
    private int _missed;

    [TestCaseSource(nameof(Names))]
    [CancelAfter(120_000)]
    public async Task Search_DataSet_EqualsBruteForce(string name)
    {
        await CheckAsync(Sets[name]());
    }

    /// <summary>After all the others: together they are enough neighbours to speak of a share.</summary>
    [Test]
    [DependsOnTest(nameof(Search_DataSet_EqualsBruteForce), AllowFailure = true)]
    public void Search_FastOverAllDataSets_MissesOneInThousandAtMost()
    {
        TestContext.Out.WriteLine($"Fast missed {_missed} of {_neighbours} neighbours.");
        Assert.That(_missed * 1000, Is.LessThanOrEqualTo(_neighbours));
    }

    /// <summary>Shapes, sizes and dimensions by lot: one by default, and as many as MOORCHEH_TEST_MINUTES has time for.</summary>
    [Test]
    public async Task Search_DataSetByLot_EqualsBruteForce()
    {
        SyntheticShape[] shapes = [SyntheticShape.Standard, SyntheticShape.Hard, SyntheticShape.Harder, SyntheticShape.Isotropic, SyntheticShape.Collapsed];
        int most = TestMinutes.IsLong ? 60_000 : 3000;
        long end = TestMinutes.EndFromNow(TimeSpan.Zero);
        ulong seed = 0;
        do
        {
            seed++;
            var random = new Random((int)seed);
            SyntheticShape shape = shapes[random.Next(shapes.Length)];
            int count = random.Next(1, most);
            int dimension = random.Next(1, 1600);
            TestContext.Out.WriteLine($"{seed}: {count} x {dimension} of {shape}");
            await CheckAsync(DataSet.Synthetic(shape, count, dimension, seed));
        }
        while (Environment.TickCount64 < end);
    }

    private static IEnumerable<string> Names() => Sets.Keys;

    private static Dictionary<string, Func<DataSet>> MakeSets()
    {
        var sets = new Dictionary<string, Func<DataSet>>
        {
            ["isotropic"] = () => DataSet.Gaussian(2000, 384),
            ["duplicates"] = () => DataSet.Duplicates(1800, 384),
            ["one-hot"] = () => DataSet.Sparse(1500, 384, values: 1),
            ["sparse"] = () => DataSet.Sparse(1200, 1000, values: 5),
            ["collapsed"] = () => DataSet.Synthetic(SyntheticShape.Collapsed, 2000, 768),
            ["subspace"] = () => DataSet.Subspace(2000, 384, rank: 6),
            ["un-normalised"] = () => DataSet.Unnormalised(2000, 384),
            ["zeros and ones"] = () => DataSet.Binary(2000, 256),
            ["16384 dimensions"] = () => DataSet.Gaussian(70, 16_384),
        };
        foreach (int dimension in (int[])[384, 512, 768, 1024, 1536])
        {
            sets[$"standard {dimension}"] = () => DataSet.Synthetic(SyntheticShape.Standard, 2000, dimension);
            sets[$"hard {dimension}"] = () => DataSet.Synthetic(SyntheticShape.Hard, 2000, dimension);
        }

        foreach (int dimension in (int[])[1, 3, 63, 64, 65, 100, 1000])
        {
            sets[$"{dimension} dimensions"] = () => DataSet.Gaussian(1000, dimension);
        }

        foreach (int count in (int[])[0, 1, 63, 64, 65])
        {
            sets[$"{count} items"] = () => DataSet.Gaussian(count, 48);
        }

        return sets;
    }

    private async Task CheckAsync(DataSet data)
    {
        using var directory = new TemporaryDirectory();
        await using MoorchehStore store = await OpenAsync(directory);
        await store.CreateNamespaceAsync("emb", NamespaceKind.Vector, data.Dimension, Token);
        await store.StoreAllAsync("emb", data.Items);
        var oracle = new Oracle(data.Items);
        foreach (float[] query in data.Queries)
        {
            // The greatest k is above the size of the small sets.
            ExpectedHit[] all = oracle.Nearest(query, SearchRequest.MaxTopK);
            foreach (int top in (int[])[1, SearchRequest.DefaultTopK, SearchRequest.MaxTopK])
            {
                ExpectedHit[] expected = [.. all.Take(top)];
                ExpectedHit[] fast = await FindAsync(SearchGuarantee.Fast);
                Assert.That(fast, Has.Length.EqualTo(expected.Length).And.Ordered.Using<ExpectedHit>(Oracle.Compare), $"Fast, top {top}");
                _neighbours += expected.Length;
                foreach (ExpectedHit missed in expected.Except(fast))
                {
                    TestContext.Out.WriteLine($"Fast missed {missed} among the first {top}.");
                    _missed++;
                }

                Assert.That(await FindAsync(SearchGuarantee.Certified), Is.EqualTo(expected), $"Certified, top {top}");
                Assert.That(await FindAsync(SearchGuarantee.Absolute), Is.EqualTo(expected), $"Absolute, top {top}");

                async Task<ExpectedHit[]> FindAsync(SearchGuarantee guarantee) => ExactSearch.HitsOf(
                    await store.SearchAsync(new SearchRequest("emb", query) { TopK = top, Guarantee = guarantee }, Token));
            }
        }
    }
}
