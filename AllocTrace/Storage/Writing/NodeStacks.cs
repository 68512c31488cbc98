using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>The rows of a session's nodes and codes that are in a database. Rows are added while the session grows.</summary>
internal sealed class NodeStacks
{
    /// <summary>By node and by code: 1 + the row; 0 if it is not written.</summary>
    private int[] _stacks = [], _codes = [];

    /// <summary>Makes the stacks of nodes with C frames; <see langword="null"/> before the first.</summary>
    public MergedStacks? Merged { get; set; }

    /// <summary>The stack of a node that was added.</summary>
    public long this[uint node]
    {
        get => _stacks[node] - 1;
        set => _stacks[node] = (int)value + 1;
    }

    public bool Has(uint node) => _stacks[node] != 0;

    /// <summary>Makes room for the nodes that the session announces.</summary>
    /// <returns>The number of nodes that there are.</returns>
    public uint Grow(SessionFile session)
    {
        var count = Math.Max(session.NodeCount, WireFormat.FirstNode); // those before it exist without a node
        if (count > _stacks.Length)
            Array.Resize(ref _stacks, (int)Math.Max(count, _stacks.Length + (uint)_stacks.Length / 2));

        return count;
    }

    /// <summary>The row of a code, 1 or more; 0 if it is not written.</summary>
    /// <exception cref="InvalidTraceException">There is no such code.</exception>
    public ref int Code(SessionFile session, uint code, uint node)
    {
        if (code >= _codes.Length)
        {
            if (code >= session.CodeCount)
                throw session.Damaged($"the code of stack {node} is {code}");

            Array.Resize(ref _codes, (int)Math.Max(session.CodeCount, _codes.Length + (uint)_codes.Length / 2));
        }

        return ref _codes[code];
    }
}
