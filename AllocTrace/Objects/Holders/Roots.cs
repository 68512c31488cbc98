namespace AllocTrace.Objects;

/// <summary>The blocks that something outside of the blocks holds, with the best reason for each.</summary>
internal sealed class Roots
{
    private readonly RootKind[] _kinds;
    private readonly Dictionary<int, string> _names = [];

    public Roots(int count)
    {
        _kinds = new RootKind[count];
        Array.Fill(_kinds, RootKind.None);
    }

    public RootKind this[int block] => _kinds[block];

    /// <summary>Notes that a block is held, unless a better reason is known.</summary>
    /// <param name="block">The block; -1 is ignored.</param>
    /// <param name="kind">The reason for which it is held.</param>
    /// <param name="name">The name of its holder, if that has one.</param>
    public void Add(int block, RootKind kind, string? name = null)
    {
        if (block < 0 || _kinds[block] <= kind)
            return;

        _kinds[block] = kind;
        _names.Remove(block);
        if (name is not null)
            _names[block] = name;
    }

    /// <summary>Returns the name of what holds a root.</summary>
    public string NameOf(int block) => _names.TryGetValue(block, out var name) ? name : _kinds[block] == RootKind.Memory ? "C memory" : "held by C";
}
