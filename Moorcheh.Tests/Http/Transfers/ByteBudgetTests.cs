using Microsoft.AspNetCore.Http;
using Moorcheh.Http;
using Moorcheh.Http.Transfers;

namespace Moorcheh.Tests.Http.Transfers;

/// <summary>What is taken is given back, and never more than there is.</summary>
[CancelAfter(30_000)]
public class ByteBudgetTests
{
    [Test]
    public void TryTake_UpToTheCapacity_AndNotBeyond()
    {
        var budget = new ByteBudget(10);

        Assert.That((budget.TryTake(7), budget.TryTake(4), budget.TryTake(3)), Is.EqualTo((true, false, true)));
        budget.Return(7);
        Assert.That((budget.Taken, budget.TryTake(8), budget.TryTake(7)), Is.EqualTo((3L, false, true)));
    }

    [Test]
    public void Transfer_CountsBeyondTheFreeBytes_AndGivesAllBack()
    {
        var limits = new TransferLimits(new MoorchehHttpOptions { MaxBodyBytes = 1000, MaxBytesInFlight = 1 << 20 });
        var small = new Transfer(limits, default);
        var large = new Transfer(limits, default);

        small.Hold(Transfer.FreeBytes);
        Assert.That(limits.Budget.Taken, Is.Zero);
        small.Hold(10);
        Assert.That(limits.Budget.Taken, Is.EqualTo(10));
        large.Hold(1 << 20);
        var busy = Assert.Throws<MoorchehException>(() => small.Hold(1 << 20))!;
        Assert.That(busy.Code, Is.EqualTo("server-busy"));
        Assert.That(busy.Message, Is.EqualTo($"Server is busy: requests and answers under way hold {(1 << 20) - Transfer.FreeBytes + 10} of {1 << 20} bytes."));
        small.Release(10);
        Assert.That(limits.Budget.Taken, Is.EqualTo((1 << 20) - Transfer.FreeBytes));
        large.Dispose();
        large.Dispose();
        small.Dispose();
        Assert.That(limits.Budget.Taken, Is.Zero);
    }

    [Test]
    public async Task WorkGate_FirstComeFirstServed_WithinTheCapacity()
    {
        var gate = new WorkGate(10);
        await gate.EnterAsync(6, default);
        Task large = gate.EnterAsync(10, default).AsTask();
        Task small = gate.EnterAsync(1, default).AsTask();
        Assert.That((large.IsCompleted, small.IsCompleted), Is.EqualTo((false, false)), "the small one does not overtake");

        gate.Leave(6);
        await large;
        Assert.That(small.IsCompleted, Is.False);
        gate.Leave(10);
        await small;
    }

    [Test]
    public async Task WorkGate_WhoGivesUp_LetsTheNextIn()
    {
        var gate = new WorkGate(10);
        using var impatient = new CancellationTokenSource();
        await gate.EnterAsync(5, default);
        Task large = gate.EnterAsync(10, impatient.Token).AsTask();
        Task small = gate.EnterAsync(5, default).AsTask();

        await impatient.CancelAsync();

        Assert.That(async () => await large, Throws.InstanceOf<OperationCanceledException>());
        await small;
    }

    [Test]
    public void Transfer_OfARequestBesideTheGate_IsOurMistake() =>
        Assert.That(() => Transfer.Of(new DefaultHttpContext()), Throws.InvalidOperationException);
}
