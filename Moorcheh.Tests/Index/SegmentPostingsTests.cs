using System.Diagnostics;
using System.Text;
using Moorcheh.Index;
using Moorcheh.Index.Postings;
using Moorcheh.Search.Filters;
using Moorcheh.Storage;

namespace Moorcheh.Tests.Index;

/// <summary>
/// Defends that a view holds the slots added before it and no others, in every form a list of slots can take: within its cell (up to
/// 3 slots), listed (up to 4,096) and as a bitmap.
/// </summary>
[TestFixture]
public sealed class SegmentPostingsTests
{
    // Distances between the slots of a word: every form of list, with its limits, comes up within a full segment.
    private static readonly int[] Distances = [1, 2, 15, 16, 17, 63, 64, 65, 1000, 16_384, 21_846, 32_768, 65_535];

    [TestCase(1)]
    [TestCase(63)]
    [TestCase(64)]
    [TestCase(65)]
    [TestCase(4_100)]
    [TestCase(65_536)]
    public void AndInto_AllForms_GiveTheSlotsOfTheWord(int count)
    {
        SegmentPostings postings = Filled(count);
        foreach (IPostings form in new[] { postings.View(), postings.Seal(), ReadBack(postings.Seal()) })
        {
            Assert.That(form.Count, Is.EqualTo(count));
            foreach (int distance in Distances)
            {
                AssertSlots(form, distance, count);
            }

            ulong[] mask = AllSlots();
            Assert.That(form.AndInto(12345, mask), Is.False);
            Assert.That(mask, Has.All.Zero);
        }
    }

    [Test]
    public void View_WriterGoesOn_StaysAsItWas()
    {
        var postings = new SegmentPostings();
        List<IPostings> views = [postings.View()];
        for (int slot = 0; slot < 20_000; slot++)
        {
            postings.Add(slot, default, Words(slot));
            if (slot % 997 == 0)
            {
                views.Add(postings.View());
            }
        }

        foreach (IPostings view in views)
        {
            foreach (int distance in Distances)
            {
                AssertSlots(view, distance, view.Count);
            }
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public void View_ReadersDuringWriting_SeeWhatWasAdded(CancellationToken cancellationToken)
    {
        var postings = new SegmentPostings();
        IPostings latest = postings.View();
        bool isDone = false;
        int checks = 0;
        Task[] readers = [.. Enumerable.Range(0, 3).Select(reader => Task.Run(
            () =>
            {
                var random = new Random(reader);
                while (!Volatile.Read(ref isDone))
                {
                    IPostings view = Volatile.Read(ref latest);
                    AssertSlots(view, Distances[random.Next(Distances.Length)], view.Count);
                    AssertSlots(view, random.Next(1, 65_536), view.Count);
                    Interlocked.Increment(ref checks);
                }
            },
            cancellationToken))];
        for (int slot = 0; slot < Segment.Capacity; slot++)
        {
            // Besides the words that are asked for, one of its own for each slot makes the table grow.
            postings.Add(slot, default, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Words(slot)) + " own" + slot));
            Volatile.Write(ref latest, postings.View());
        }

        Volatile.Write(ref isDone, true);
        Assert.That(() => Task.WhenAll(readers), Throws.Nothing);
        TestContext.Out.WriteLine($"{checks} checks");
        AssertSlots(postings.View(), 1, Segment.Capacity);
    }

    [Test]
    public void Add_SlotsLeftOut_AreNotFound()
    {
        var postings = new SegmentPostings();
        postings.Add(3, default, "a"u8);
        postings.Add(70, default, "a a A"u8);
        ulong[] mask = [ulong.MaxValue, ulong.MaxValue, ulong.MaxValue];
        Assert.That(FilterPlan.Create([], [], ["a"]).AndInto(postings.Seal(), mask), Is.True);
        Assert.That(mask, Is.EqualTo(new ulong[] { 8, 64, 0 }));
        Assert.That(() => postings.Add(70, default, default), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => postings.Add(Segment.Capacity, default, default), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [TestCase(70)]
    [TestCase(9_000)]
    public void Add_WordsSeveralTimes_AreCountedInAllForms(int count)
    {
        // Every slot has "a", as often as its number says: lists and bitmaps for each bit of the count.
        var postings = new SegmentPostings();
        for (int slot = 0; slot < count; slot++)
        {
            postings.Add(slot, "{}"u8, Encoding.UTF8.GetBytes("b " + string.Join(' ', Enumerable.Repeat("a", 1 + TimesMore(slot)))));
        }

        var copy = new SegmentPostings();
        int[] newSlots = [.. Enumerable.Range(0, count).Select(slot => slot % 2 == 0 ? slot / 2 : -1)];
        postings.Seal().CopyTo(copy, newSlots);
        foreach (IPostings form in (IPostings[])[postings.View(), postings.Seal(), ReadBack(postings.Seal())])
        {
            AssertCounts(form, [.. Enumerable.Range(0, count)]);
        }

        AssertCounts(copy.View(), [.. Enumerable.Range(0, count).Where(slot => slot % 2 == 0)]);
    }

    [Test]
    public void Add_MetadataNotJson_LeavesNothingForTheNextSlot()
    {
        var postings = new SegmentPostings();
        Assert.That(() => postings.Add(0, "{\"a\":1,"u8, default), Throws.InstanceOf<System.Text.Json.JsonException>());
        postings.Add(0, default, default);
        Assert.That(postings.Seal().Terms, Is.Zero);
    }

    [Test]
    public void Add_ItemsWithoutTerms_TakeNoMemory()
    {
        var postings = new SegmentPostings();
        long before = postings.Bytes;
        for (int slot = 0; slot < 1000; slot++)
        {
            postings.Add(slot, "{}"u8, default);
        }

        Assert.That(postings.Bytes, Is.EqualTo(before));
        Assert.That(postings.Seal().Bytes, Is.LessThan(16));
        Assert.That(ReadBack(postings.Seal()).Count, Is.EqualTo(1000));
    }

    [Test]
    public void Read_OtherVersionOrRuntime_GivesNullAndSkips()
    {
        var writer = new ByteWriter();
        Filled(100).Seal().Write(writer);
        writer.Int32(77);
        foreach (int changed in new[] { 0, 4 })
        {
            byte[] bytes = writer.Written.ToArray();
            bytes[changed] ^= 1;
            var reader = new ByteReader(bytes);
            Assert.That(SealedPostings.Read(ref reader), Is.Null);
            Assert.That(reader.Int32(), Is.EqualTo(77));
        }
    }

    [Test]
    public void Read_DamagedBytes_ThrowsOrAnswers()
    {
        var writer = new ByteWriter();
        Filled(100).Seal().Write(writer);
        ulong[] mask = AllSlots();
        for (int at = 0; at < writer.Length; at++)
        {
            byte[] bytes = writer.Written.ToArray();
            bytes[at] ^= 0x80;
            try
            {
                var reader = new ByteReader(bytes);
                SealedPostings? postings = SealedPostings.Read(ref reader);
                foreach (int distance in Distances)
                {
                    postings?.AndInto(Plan(distance).Terms[0], mask);
                }
            }
            catch (InvalidDataException)
            {
            }
        }

        for (int length = 0; length < writer.Length; length++)
        {
            byte[] bytes = writer.Written[..length].ToArray();
            Assert.That(() => ReadAll(bytes), Throws.InstanceOf<InvalidDataException>());
        }
    }

    [TestCase(8_192)]
    [TestCase(65_536, Explicit = true)]
    public void Bytes_TextsAndMetadata_FewPerPosting(int count)
    {
        // 60 words a text, word r with a probability of about 1/r as in natural language, and six metadata values.
        var random = new Random(5);
        (byte[] Metadata, byte[] Text)[] items = [.. Enumerable.Range(0, count).Select(slot => (SomeMetadata(slot), SomeText(random)))];
        long terms = 0;
        foreach ((byte[] metadata, byte[] text) in items)
        {
            List<ulong> ofItem = [];
            ItemTerms.CollectMetadata(metadata, ofItem);
            ItemTerms.CollectWords(text, ofItem);
            terms += ofItem.Distinct().Count();
        }

        var postings = new SegmentPostings();
        long start = Stopwatch.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int slot = 0; slot < count; slot++)
        {
            postings.Add(slot, items[slot].Metadata, items[slot].Text);
        }

        TimeSpan adding = Stopwatch.GetElapsedTime(start);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        start = Stopwatch.GetTimestamp();
        SealedPostings packed = postings.Seal();
        TimeSpan sealing = Stopwatch.GetElapsedTime(start);
        ulong[] mask = AllSlots();
        FilterPlan plan = FilterPlan.Create([], [("year", "2000"), ("lang", "EN")], ["w1"]);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 1000; i++)
        {
            plan.AndInto(packed, mask);
        }

        TimeSpan asking = Stopwatch.GetElapsedTime(start);
        TestContext.Out.WriteLine(
            $"{count} items, {packed.Terms} terms, {terms} postings; growing {(double)postings.Bytes / terms:F2} bytes a posting "
            + $"(allocated {(double)allocated / terms:F2}), sealed {(double)packed.Bytes / terms:F2}, {packed.Bytes / count} an item; "
            + $"add {adding.TotalMicroseconds / count:F1} us an item of {items.Average(x => x.Text.Length + x.Metadata.Length):F0} bytes, "
            + $"seal {sealing.TotalMilliseconds:F0} ms, three terms {asking.TotalMicroseconds / 1000:F2} us");
        Assert.That((double)packed.Bytes / terms, Is.LessThan(5));
    }

    private static int TimesMore(int slot) => slot % 37;

    private static void AssertCounts(IPostings form, int[] sources)
    {
        ulong term = Plan("a").Terms[0];
        SlotSet all = form.Find(term);
        Assert.That(form.Lengths.ToArray(), Is.EqualTo(sources.Select(source => 2 + TimesMore(source))));
        Assert.That(form.CountBits, Is.EqualTo(6));
        Assert.That(all.Count(), Is.EqualTo(sources.Length));
        Assert.That(form.Find(12345).IsEmpty);
        SlotSet[] bits = [.. Enumerable.Range(0, form.CountBits).Select(bit => form.Find(ItemTerms.CountBit(term, bit)))];
        ulong[] odd = [.. Enumerable.Repeat(0xAAAAAAAAAAAAAAAAUL, (sources.Length + 63) / 64)];
        for (int bit = 0; bit < bits.Length; bit++)
        {
            bool[] expected = [.. sources.Select(source => (TimesMore(source) >> bit & 1) != 0)];
            Assert.That(Enumerable.Range(0, sources.Length).Select(bits[bit].Contains), Is.EqualTo(expected), $"bit {bit}");
            Assert.That(bits[bit].Count(), Is.EqualTo(expected.Count(has => has)));
            Assert.That(bits[bit].Count(odd), Is.EqualTo(expected.Where((has, slot) => has && slot % 2 == 1).Count()));
        }
    }

    private static byte[] SomeMetadata(int slot) => Encoding.UTF8.GetBytes(
        $$"""{"year":{{1990 + (slot % 35)}},"lang":"en","path":"docs/{{slot}}.md","tags":["t{{slot % 7}}","t{{slot % 50}}"],"ok":true}""");

    private static byte[] SomeText(Random random) => Encoding.UTF8.GetBytes(
        string.Join(' ', Enumerable.Range(0, 60).Select(_ => "w" + (int)Math.Exp(random.NextDouble() * 12.2))));

    /// <summary>A word for each distance that divides the slot.</summary>
    private static byte[] Words(int slot) => Encoding.UTF8.GetBytes(
        string.Join(' ', Distances.Where(distance => slot % distance == 0).Select(distance => "every" + distance)));

    private static FilterPlan Plan(int distance) => Plan("Every" + distance);

    private static FilterPlan Plan(string word) => FilterPlan.Create([], [], [word]);

    private static void AssertSlots(IPostings postings, int distance, int count)
    {
        ulong[] expected = new ulong[Segment.Capacity / 64];
        if (Distances.Contains(distance))
        {
            for (int slot = 0; slot < count; slot += distance)
            {
                expected[slot / 64] |= 1UL << (slot % 64);
            }
        }

        ulong[] mask = AllSlots();
        bool isAny = Plan(distance).AndInto(postings, mask);
        if (!mask.AsSpan().SequenceEqual(expected) || isAny != expected.Any(word => word != 0))
        {
            throw new InvalidOperationException($"Distance {distance}, {count} slots: wrong mask.");
        }
    }

    private static SegmentPostings Filled(int count)
    {
        var postings = new SegmentPostings();
        for (int i = 0; i < count; i++)
        {
            postings.Add(i, default, Words(i));
        }

        return postings;
    }

    private static ulong[] AllSlots()
    {
        ulong[] mask = new ulong[Segment.Capacity / 64];
        mask.AsSpan().Fill(ulong.MaxValue);
        return mask;
    }

    private static SealedPostings ReadBack(SealedPostings postings)
    {
        var writer = new ByteWriter();
        postings.Write(writer);
        return ReadAll(writer.Written.ToArray());
    }

    private static SealedPostings ReadAll(byte[] bytes)
    {
        var reader = new ByteReader(bytes);
        SealedPostings postings = SealedPostings.Read(ref reader)!;
        Assert.That(reader.Remaining, Is.Zero);
        return postings;
    }
}
