using Moorcheh.Items;

namespace Moorcheh.Artifacts.Pipelines;

/// <summary>Places below the item cap that an ingest keeps.</summary>
internal sealed class PlaceReservation(ItemQuota quota)
{
    private int _places;

    /// <summary>Keeps this many.</summary>
    /// <exception cref="MoorchehException"><see cref="ErrorCodes.ItemLimitExceeded"/>.</exception>
    public void Set(int places)
    {
        if (places > _places)
        {
            quota.Reserve(places - _places);
        }
        else
        {
            quota.Release(_places - places);
        }

        _places = places;
    }

    /// <summary>From here on they are the stored artifact's.</summary>
    public void Keep() => _places = 0;
}
