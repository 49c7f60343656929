using System.Text;
using Moorcheh.Index;

namespace Moorcheh.Tests.Index;

internal sealed class IdMapTests
{
    [TestCase(1)]
    [TestCase(2)]
    public void SetAndRemove_Random_EqualsADictionary(int seed)
    {
        var random = new Random(seed);
        var ids = new Ids();
        var map = new IdMap(ids);
        Dictionary<string, int> expected = [];
        for (int step = 0; step < 20_000; step++)
        {
            string id = $"id-{random.Next(step < 10_000 ? 5000 : 500)}";
            if (random.Next(100) < (step < 10_000 ? 60 : 40))
            {
                // The place must hold the id before the map can compare with it.
                int place = ids.Add(id);
                map.Set(Encoding.UTF8.GetBytes(id), place);
                expected[id] = place;
            }
            else if (expected.Remove(id))
            {
                map.Remove(Encoding.UTF8.GetBytes(id));
            }

            string asked = $"id-{random.Next(5000)}";
            Assert.That(map.Find(Encoding.UTF8.GetBytes(asked)), Is.EqualTo(expected.GetValueOrDefault(asked, -1)), $"step {step}");
        }

        foreach ((string id, int place) in expected)
        {
            Assert.That(map.Find(Encoding.UTF8.GetBytes(id)), Is.EqualTo(place));
        }
    }

    [Test]
    public void Renumber_PartOfThePlaces_MovesOnlyThose()
    {
        var ids = new Ids();
        var map = new IdMap(ids);
        for (int i = 0; i < 300; i++)
        {
            map.Set(Encoding.UTF8.GetBytes($"id-{i}"), ids.Add($"id-{i}"));
        }

        // The places 100 to 199 are turned round.
        map.Renumber(100, [.. Enumerable.Range(0, 100).Reverse()]);
        ids.Reverse(100, 100);

        for (int i = 0; i < 300; i++)
        {
            int place = i is >= 100 and < 200 ? 299 - i : i;
            Assert.That(map.Find(Encoding.UTF8.GetBytes($"id-{i}")), Is.EqualTo(place));
        }
    }

    private sealed class Ids : IIdSource
    {
        private readonly List<byte[]> _ids = [];

        public int Add(string id)
        {
            _ids.Add(Encoding.UTF8.GetBytes(id));
            return _ids.Count - 1;
        }

        public void Reverse(int first, int count) => _ids.Reverse(first, count);

        public ReadOnlySpan<byte> Id(int place) => _ids[place];
    }
}
