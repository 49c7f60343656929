using System.Text;
using Moorcheh.Index.Postings;
using Moorcheh.Items;
using Moorcheh.Search.Filters;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Index;

/// <summary>
/// Defends that postings never lose an item that passes a filter, and that they decide the filter alone when the plan says so.
/// <see cref="ItemFilter.Matches"/> on the record is the definition.
/// </summary>
[TestFixture]
public sealed class FilterPlanTests
{
    private const int Items = 400;
    private const int Filters = 1200;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void AndInto_RandomFilters_AgreesWithRecords(int seed)
    {
        var data = new FilterData(seed);
        var postings = new SegmentPostings();
        List<(string Metadata, string Text, byte[] Record)> items = [];
        for (int i = 0; i < Items; i++)
        {
            (string metadata, string text) = (data.Metadata(), data.Text());
            items.Add((metadata, text, FilterData.Record(metadata, text)));
            postings.Add(i, Encoding.UTF8.GetBytes(metadata), Encoding.UTF8.GetBytes(text));
        }

        IPostings[] forms = [postings.View(), postings.Seal(), ReadBack(postings.Seal())];
        var random = new Random(seed);
        int matches = 0;
        int decided = 0;
        for (int i = 0; i < Filters; i++)
        {
            (ItemFilter? filter, string description) = RandomFilter(data, items[random.Next(Items)], random);
            if (filter is null)
            {
                continue;
            }

            ulong[] mask = AllSlots();
            filter.Plan.AndInto(forms[0], mask);
            decided += filter.Plan.NeedsVerification ? 0 : 1;
            for (int slot = 0; slot < Items; slot++)
            {
                bool isMatch = filter.Matches(ItemRecord.Parse(items[slot].Record));
                bool isIn = (mask[slot / 64] >> (slot % 64) & 1) != 0;
                matches += isMatch ? 1 : 0;
                if (isMatch ? !isIn : isIn && !filter.Plan.NeedsVerification)
                {
                    Assert.Fail($"{description} on {items[slot].Metadata} and '{items[slot].Text}': record {isMatch}, postings {isIn}.");
                }
            }

            foreach (IPostings form in forms[1..])
            {
                ulong[] other = AllSlots();
                filter.Plan.AndInto(form, other);
                Assert.That(other, Is.EqualTo(mask), description);
            }
        }

        TestContext.Out.WriteLine($"{matches} matches, {decided} filters decided by postings");
        Assert.That(matches, Is.GreaterThan(Filters));
        Assert.That(decided, Is.GreaterThan(Filters / 4));
    }

    [TestCase("c++", 1, true)]
    [TestCase("foo-bar", 2, true)]
    [TestCase("++", 0, true)]
    [TestCase("straße", 1, false)]
    [TestCase("snake_case_2", 1, false)]
    [TestCase("-foo", 1, true)]
    [TestCase("日本", 1, false)]
    [TestCase("日本語", 2, true)]
    [TestCase("日", 0, true)]
    [TestCase("a日", 1, true)]
    [TestCase("a日b", 3, true)]
    [TestCase("กิน", 2, true)]
    public void Create_Keyword_TakesItsWords(string keyword, int terms, bool needsVerification)
    {
        FilterPlan plan = FilterPlan.Create([], [], [keyword]);
        Assert.That(plan.Terms, Has.Count.EqualTo(terms));
        Assert.That(plan.NeedsVerification, Is.EqualTo(needsVerification));
    }

    [Test]
    public void Create_KeywordCutWithinACharacter_HasNoTerms()
    {
        // Half of U+10400, a letter: found in the word "foo𐐀", of which "foo" is only a part.
        FilterPlan plan = FilterPlan.Create([], [], ["foo" + "\U00010400"[0]]);
        Assert.That(plan.Terms, Is.Empty);
        Assert.That(plan.NeedsVerification, Is.True);
    }

    [Test]
    public void AndInto_NoTerms_LeavesTheMask()
    {
        ulong[] mask = [5];
        Assert.That(FilterPlan.Create([], [], ["++"]).AndInto(new SegmentPostings().View(), mask), Is.True);
        Assert.That(mask, Is.EqualTo(new ulong[] { 5 }));
    }

    [Test]
    public void Create_RepeatedConditions_AskOnce() =>
        Assert.That(FilterPlan.Create([], [("a", "X"), ("a", "x")], ["Word", "word"]).Terms, Has.Count.EqualTo(2));

    private static (ItemFilter? Filter, string Description) RandomFilter(
        FilterData data, (string Metadata, string Text, byte[] Record) item, Random random)
    {
        string metadata = random.Next(3) > 0 ? "{}" : random.Next(2) == 0 ? item.Metadata : data.Metadata();
        List<(string, string)> fields = [];
        List<string> keywords = [];
        if (random.Next(2) == 0)
        {
            fields.Add((data.QueryKeys[random.Next(data.QueryKeys.Length)], data.FieldValue()));
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            keywords.Add(data.Keyword(item.Text));
        }

        var query = new QueryText("", fields, keywords);
        string description = $"{metadata} {string.Join(' ', fields)} {string.Join(' ', keywords.Select(word => $"'{word}'"))}";
        return (ItemFilter.Create(FilterConditions.Of(ItemMetadata.Parse(metadata), null, query)), description);
    }

    private static ulong[] AllSlots()
    {
        ulong[] mask = new ulong[(Items + 63) / 64];
        mask.AsSpan().Fill(ulong.MaxValue);
        return mask;
    }

    private static SealedPostings ReadBack(SealedPostings postings)
    {
        var writer = new ByteWriter();
        postings.Write(writer);
        var reader = new ByteReader(writer.Written);
        return SealedPostings.Read(ref reader)!;
    }
}
