using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Moorcheh.Storage;
using Moorcheh.Tests.Faults;
using Moorcheh.Tests.Support;

namespace Moorcheh.Tests.Storage;

/// <summary>FASTER gets blocks as they were written, zeros behind the log's end, and nothing else.</summary>
[CancelAfter(60_000)]
internal sealed class BlockChecksumsTests
{
    private const int Block = BlockChecksums.BlockBytes;

    [Test]
    public void Check_WithinTheLogAndBehindIt_DiffersForBlocksThatWereNotWritten()
    {
        var checksums = new BlockChecksums();
        byte[] content = Filled(7);
        checksums.BeforeWrite(0, content);
        checksums.BeforeWrite(2 * Block, content);
        checksums.Capture(0, 3 * Block, []);
        Assert.That(checksums.Check(0, content), Is.EqualTo(-1));
        Assert.That(checksums.Check(Block, new byte[Block]), Is.Zero, "The log has this block, and nobody wrote it.");
        Assert.That(checksums.Check(2 * Block, Filled(8)), Is.Zero);
        Assert.That(checksums.Check(3 * Block, content), Is.EqualTo(-1));
        Assert.That(content, Is.All.Zero);
    }

    /// <summary>Where a flush ended within a block, the next one writes it again, maybe while a record before that place is read.</summary>
    [Test]
    public async Task Read_WhileTheBlockIsWrittenAgain_IsNoDamage()
    {
        using var directory = new TemporaryDirectory();
        using var disk = new GatedDisk();
        var checksums = new BlockChecksums();
        using var device = new FileDevice(
            Path.Combine(directory.Path, "log"), disk, new DiskState(directory.Path, disk, 0, NullLogger.Instance), writeThrough: false, checksums);
        device.Initialize(FasterSettings.SegmentBytes);
        await WriteAsync(device, Filled(1));
        disk.Gate.Reset();
        Task second = WriteAsync(device, Filled(2));
        disk.Writing.Wait(TestStore.Token);
        byte[] read = new byte[Block];
        Task<int> reading = Task.Run(() => device.Read(0, read));
        await Task.WhenAny(reading, Task.Delay(200));
        disk.Gate.Set();
        Assert.That(await reading, Is.EqualTo(-1));
        Assert.That(read, Is.All.EqualTo(2));
        Assert.That(checksums.DamagedReads, Is.Zero);
        await second;
    }

    private static byte[] Filled(byte value)
    {
        byte[] block = new byte[Block];
        Array.Fill(block, value);
        return block;
    }

    private static async Task WriteAsync(FileDevice device, byte[] content)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        GCHandle pinned = GCHandle.Alloc(content, GCHandleType.Pinned);
        try
        {
            device.WriteAsync(pinned.AddrOfPinnedObject(), 0, 0, Block, (_, _, _) => done.SetResult(), new object());
            await done.Task;
        }
        finally
        {
            pinned.Free();
        }
    }

    /// <summary>Holds writes up between their checksum and their bytes.</summary>
    private sealed class GatedDisk : VolatileDisk, IDisposable
    {
        public ManualResetEventSlim Gate { get; } = new(true);

        public ManualResetEventSlim Writing { get; } = new(false);

        public override void Write(DiskFile file, ReadOnlySpan<byte> bytes, long offset)
        {
            if (!Gate.IsSet)
            {
                Writing.Set();
                Gate.Wait();
            }

            base.Write(file, bytes, offset);
        }

        public void Dispose()
        {
            Gate.Dispose();
            Writing.Dispose();
        }
    }
}
