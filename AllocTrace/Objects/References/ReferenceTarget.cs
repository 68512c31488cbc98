namespace AllocTrace.Objects;

/// <summary>
/// Finds the target of a word: an object by its exact address, a buffer by any aligned address in it. The collector's links point to an
/// object's header, so they refer to nothing.
/// </summary>
internal sealed class ReferenceTarget(BlockList blocks, BlockIndex index, BlockTypes types)
{
    /// <summary>Returns the number of the block that a word refers to, or -1.</summary>
    public int Find(ulong word)
    {
        var block = index.Find(word);
        if (block < 0 || types.IsDead(block))
            return -1;

        if (types.IsObject(block))
            return blocks.AddressOf(block) + (ulong)types.Header(block) == word ? block : -1;

        return (word & 7) == 0 ? block : -1;
    }

    /// <summary>Returns the number of the object at an address, or -1.</summary>
    public int FindObject(ulong address) => Find(address) is var block and >= 0 && types.IsObject(block) ? block : -1;

    /// <summary>Returns the address of the object in a block; of a buffer, the block's.</summary>
    public ulong AddressOf(int block) => blocks.AddressOf(block) + (ulong)types.Header(block);
}
