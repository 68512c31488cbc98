using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AllocTrace.Replay;

/// <summary>
/// The sites of one thread and domain by stack, a sparse array of two levels: stacks are numbered densely over the whole process, and a
/// thread uses neighbouring ones. Native memory; used by one thread; its owner calls <see cref="Free"/>.
/// </summary>
internal unsafe struct StackSites
{
    private const int LeafBits = 8;
    private const uint LeafSites = 1 << LeafBits;

    private uint** _leaves;
    private uint _leafCount;

    /// <summary>The site of a stack; 0 when it has none yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Find(uint stack)
    {
        var leaf = stack >> LeafBits;
        return leaf < _leafCount && _leaves[leaf] != null ? _leaves[leaf][stack % LeafSites] : 0;
    }

    /// <summary>Gives a stack its site. Takes 8 bytes for each 256 numbers below the stack's: the caller has checked that it exists.</summary>
    public void Add(uint stack, uint site)
    {
        var leaf = stack >> LeafBits;
        if (leaf >= _leafCount)
            Grow(leaf + 1);

        if (_leaves[leaf] == null)
            _leaves[leaf] = (uint*)NativeMemory.AllocZeroed(LeafSites, sizeof(uint));

        _leaves[leaf][stack % LeafSites] = site;
    }

    public void Free()
    {
        for (var leaf = 0u; leaf < _leafCount; leaf++)
            NativeMemory.Free(_leaves[leaf]);

        NativeMemory.Free(_leaves);
        this = default;
    }

    private void Grow(uint needed)
    {
        var count = Math.Max(needed, 2 * _leafCount);
        _leaves = (uint**)NativeMemory.Realloc(_leaves, count * (nuint)sizeof(uint*));
        NativeMemory.Clear(_leaves + _leafCount, (count - _leafCount) * (nuint)sizeof(uint*));
        _leafCount = count;
    }
}
