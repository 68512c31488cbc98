namespace AllocTrace.Objects;

/// <summary>
/// The references between blocks. The targets of block <c>i</c> are those of <see cref="Targets"/> from <c>Heads[i]</c> to
/// <c>Heads[i + 1]</c>.
/// </summary>
internal sealed class BlockGraph
{
    private BlockGraph(int[] heads, int[] targets, BlockTypes types)
    {
        (Heads, Targets, Types) = (heads, targets, types);
        Owners = FindOwners();
        Unexplained = types.Counts;
        SubtractReferences();
    }

    public BlockTypes Types { get; }

    public int[] Heads { get; }

    public int[] Targets { get; }

    /// <summary>
    /// The object to which each buffer belongs, directly or through other buffers; -1 for objects and for buffers without an owner.
    /// </summary>
    public int[] Owners { get; }

    /// <summary>
    /// The reference count of each object minus the references that were found: the number of references from outside the blocks. Negative
    /// if more were found; <see cref="int.MaxValue"/> for immortal objects, whose count has no meaning.
    /// </summary>
    public int[] Unexplained { get; }

    public int Count => Types.Count;

    public long ReferenceCount => Heads[Count];

    /// <summary>Reads all references.</summary>
    /// <exception cref="InvalidOperationException">There are more than 2^31 of them.</exception>
    public static BlockGraph Read(ReferenceScan scan, BlockTypes types)
    {
        var heads = new int[types.Count + 1];
        var targets = new int[Math.Max(1024, (int)Math.Min(types.Count * 1.4, Array.MaxLength))];
        var count = 0;
        for (var i = 0; i < types.Count; i++)
        {
            heads[i] = count;
            var references = scan.References(i);
            if (references.Length > targets.Length - count)
                Array.Resize(ref targets, Grown(targets.Length, count + (long)references.Length));

            references.CopyTo(targets.AsSpan(count));
            count += references.Length;
        }

        heads[types.Count] = count;
        return new BlockGraph(heads, targets, types);
    }

    /// <summary>The blocks that a block refers to.</summary>
    public ReadOnlySpan<int> References(int block) => Targets.AsSpan(Heads[block], Heads[block + 1] - Heads[block]);

    /// <summary>The object that a block is, or belongs to; -1 when it belongs to none.</summary>
    public int ObjectOf(int block) => Types.IsObject(block) ? block : Owners[block];

    /// <summary>
    /// Removes references from C memory without an owner to objects whose count leaves no room for them, and to buffers, which belong to one object. Such
    /// memory (the interpreter's state, caches, data stacks, the parser's arenas) has borrowed and stale addresses too.
    /// </summary>
    public void RemoveBorrowed()
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            var (from, to) = (Heads[i], Heads[i + 1]);
            Heads[i] = kept;
            var isLoose = ObjectOf(i) < 0;
            for (var at = from; at < to; at++)
            {
                var target = Targets[at];
                var hasRoom = Types.IsObject(target) ? Unexplained[target] > 0 : Owners[target] < 0;
                if (!isLoose || hasRoom)
                    Targets[kept++] = target;
            }
        }

        Heads[Count] = kept;
    }

    private static int Grown(int length, long needed)
    {
        if (needed > Array.MaxLength)
            throw new InvalidOperationException($"the blocks have more than {Array.MaxLength:N0} references");

        return (int)Math.Min(Math.Max(needed, length + (length / 4L)), Array.MaxLength);
    }

    /// <summary>A buffer belongs to the object that refers to it, else to the owner of a buffer that does. The first one found is taken.</summary>
    private int[] FindOwners()
    {
        var owners = new int[Count];
        Array.Fill(owners, -1);
        var found = new List<int>();
        for (var i = 0; i < Count; i++)
        {
            if (Types.IsObject(i) && !Types.IsDead(i))
                Own(i, i);
        }

        for (var next = 0; next < found.Count; next++)
            Own(found[next], owners[found[next]]);

        return owners;

        void Own(int block, int owner)
        {
            foreach (var target in References(block))
            {
                if (owners[target] >= 0 || Types.IsObject(target))
                    continue;

                owners[target] = owner;
                found.Add(target);
            }
        }
    }

    private void SubtractReferences()
    {
        for (var i = 0; i < Count; i++)
        {
            if (ObjectOf(i) < 0)
                continue;

            foreach (var target in References(i))
            {
                if (Types.IsObject(target) && Unexplained[target] != int.MaxValue)
                    Unexplained[target]--;
            }
        }
    }
}
