namespace AllocTrace.Objects;

/// <summary>The blocks that something outside of the blocks holds, with the best reason for each.</summary>
internal sealed class Roots : IDisposable
{
    /// <summary>The kinds plus 1; 0: nothing holds the block.</summary>
    private readonly Column<byte> _kinds;
    private readonly Dictionary<int, string> _names = [];

    public Roots(int count) => _kinds = new Column<byte>(count);

    public RootKind this[int block] => (RootKind)(byte)(_kinds[block] - 1);

    /// <summary>Notes that a block is held, unless a better reason is known.</summary>
    /// <param name="block">The block; -1 is ignored.</param>
    /// <param name="kind">The reason for which it is held.</param>
    /// <param name="name">The name of its holder, if that has one.</param>
    public void Add(int block, RootKind kind, string? name = null)
    {
        if (block < 0 || this[block] <= kind)
            return;

        _kinds[block] = (byte)(kind + 1);
        _names.Remove(block);
        if (name is not null)
            _names[block] = name;
    }

    /// <summary>Returns the blocks that are held, those with the best reasons first, then in ascending order.</summary>
    public int[] InOrder()
    {
        var places = new int[(int)RootKind.Memory + 2];
        foreach (var kind in _kinds.Span)
            places[kind]++;

        places[0] = 0;
        for (var kind = 1; kind < places.Length; kind++)
            places[kind] += places[kind - 1];

        var blocks = new int[places[^1]];
        var kinds = _kinds.Span;
        for (var i = 0; i < kinds.Length; i++)
        {
            if (kinds[i] != 0)
                blocks[places[kinds[i] - 1]++] = i;
        }

        return blocks;
    }

    /// <summary>Returns the name of what holds a root.</summary>
    public string NameOf(int block) => _names.TryGetValue(block, out var name) ? name : this[block] == RootKind.Memory ? "C memory" : "held by C";

    public void Dispose() => _kinds.Dispose();
}
