namespace Moorcheh.Http.Transfers;

/// <summary>
/// Lets large bodies be turned into uploads side by side as long as they are not more than <paramref name="capacity"/> bytes together, first come,
/// first served: the work takes several times the memory of the body. Who waits, waits for the work of others and never for their clients.
/// </summary>
internal sealed class WorkGate(long capacity)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(long Bytes, TaskCompletionSource Turn)> _waiting = [];
    private long _inside;

    /// <summary>Enters with a body of at most the capacity; call <see cref="Leave"/> with as many bytes afterwards.</summary>
    /// <exception cref="OperationCanceledException">The token fired first; there is nothing to leave.</exception>
    public async ValueTask EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        LinkedListNode<(long Bytes, TaskCompletionSource Turn)> place;
        lock (_lock)
        {
            if (_waiting.Count == 0 && _inside + bytes <= capacity)
            {
                _inside += bytes;
                return;
            }

            place = _waiting.AddLast((bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        try
        {
            await place.Value.Turn.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            GiveUp(place);
            throw;
        }
    }

    public void Leave(long bytes)
    {
        lock (_lock)
        {
            _inside -= bytes;
            LetIn();
        }
    }

    private void GiveUp(LinkedListNode<(long Bytes, TaskCompletionSource Turn)> place)
    {
        lock (_lock)
        {
            if (place.List is null)
            {
                _inside -= place.Value.Bytes; // Its turn came at the same moment.
            }
            else
            {
                _waiting.Remove(place);
            }

            LetIn();
        }
    }

    private void LetIn()
    {
        while (_waiting.First is { } first && _inside + first.Value.Bytes <= capacity)
        {
            _waiting.RemoveFirst();
            _inside += first.Value.Bytes;
            first.Value.Turn.SetResult();
        }
    }
}
