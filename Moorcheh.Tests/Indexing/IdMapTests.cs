using Moorcheh.Indexing;

namespace Moorcheh.Tests.Indexing;

internal sealed class IdMapTests
{
    /// <summary>Few distinct hashes and all cells near each other: removing must not break the runs of other cells.</summary>
    [TestCase(7u)]
    [TestCase(61u)]
    [TestCase(1_000_003u)]
    [TestCase(uint.MaxValue)]
    public void AddAndRemove_Random_EqualsADictionary(uint hashes)
    {
        var random = new Random(3);
        var map = new IdMap();
        Dictionary<int, int> placeOf = [];
        List<int> ids = [];
        int nextPlace = 0;
        for (int step = 0; step < 20_000; step++)
        {
            if (random.Next(100) < (step < 10_000 ? 60 : 45))
            {
                int id = step;
                placeOf.Add(id, nextPlace);
                ids.Add(id);
                map.Add(Hash(id, hashes), nextPlace++);
            }
            else if (ids.Count > 0)
            {
                int at = random.Next(ids.Count);
                map.Remove(Hash(ids[at], hashes), placeOf[ids[at]]);
                placeOf.Remove(ids[at]);
                ids[at] = ids[^1];
                ids.RemoveAt(ids.Count - 1);
            }

            if (hashes < 100 && ids.Count > 300)
            {
                step = Math.Max(step, 10_000); // A run of thousands of equal hashes is slow and shows nothing more.
            }

            int asked = random.Next(step + 1);
            int expected = placeOf.GetValueOrDefault(asked, -1);
            int found = map.Find(Hash(asked, hashes), expected, static (place, wanted) => place == wanted);
            Assert.That(found, Is.EqualTo(expected), $"step {step}");
        }

        foreach ((int id, int place) in placeOf)
        {
            Assert.That(map.Find(Hash(id, hashes), place, static (found, wanted) => found == wanted), Is.EqualTo(place));
        }
    }

    private static uint Hash(int id, uint hashes) => (uint)((ulong)(uint)id * 2654435761 % hashes) * (hashes < 100 ? 0x0100_0000u : 1);
}
