namespace AllocTrace.Objects;

/// <summary>
/// The references between blocks. The targets of block <c>i</c> are those of <see cref="Targets"/> from <c>Heads[i]</c> to
/// <c>Heads[i + 1]</c>.
/// </summary>
internal sealed class BlockGraph : IDisposable
{
    private BlockGraph(Column<int> heads, Column<int> targets, BlockTypes types)
    {
        (Heads, Targets, Types) = (heads, targets, types);
        FindOwners();
        Unexplained = types.Counts;
        SubtractReferences();
    }

    public BlockTypes Types { get; }

    public Column<int> Heads { get; }

    public Column<int> Targets { get; }

    /// <summary>
    /// The reference count of each object minus the references that were found: the number of references from outside the blocks. Negative
    /// if more were found; <see cref="int.MaxValue"/> for immortal objects, whose count has no meaning.
    /// </summary>
    public Column<int> Unexplained { get; }

    public int Count => Types.Count;

    public long ReferenceCount => Heads[Count];

    /// <summary>Reads all references.</summary>
    /// <exception cref="InvalidOperationException">There are more than 2^31 of them.</exception>
    public static BlockGraph Read(ReferenceScan scan, BlockTypes types)
    {
        var heads = new Column<int>(types.Count + 1);
        var targets = new Column<int>(Math.Max(1024, (int)Math.Min(types.Count * 1.4, Array.MaxLength)));
        var count = 0;
        for (var i = 0; i < types.Count; i++)
        {
            heads[i] = count;
            var references = scan.References(i);
            if (references.Length > targets.Length - count)
                targets.Resize(Grown(targets.Length, count + (long)references.Length));

            references.CopyTo(targets.Span[count..]);
            count += references.Length;
        }

        heads[types.Count] = count;
        return new BlockGraph(heads, targets, types);
    }

    public void Dispose()
    {
        Heads.Dispose();
        Targets.Dispose();
    }

    /// <summary>The targets of all references.</summary>
    public ReadOnlySpan<int> All => Targets.Span[..Heads[Count]];

    /// <summary>The blocks that a block refers to.</summary>
    public ReadOnlySpan<int> References(int block) => Targets.Span[Heads[block]..Heads[block + 1]];

    /// <summary>The object that a block is, or belongs to; -1 when it belongs to none.</summary>
    public int ObjectOf(int block) => Types.IsObject(block) ? block : Types.OwnerOf(block);

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
                var hasRoom = Types.IsObject(target) ? Unexplained[target] > 0 : Types.OwnerOf(target) < 0;
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
    private void FindOwners()
    {
        var found = new List<int>();
        for (var i = 0; i < Count; i++)
        {
            if (Types.IsObject(i) && !Types.IsDead(i))
                Own(i, i);
        }

        for (var next = 0; next < found.Count; next++)
            Own(found[next], Types.OwnerOf(found[next]));

        void Own(int block, int owner)
        {
            foreach (var target in References(block))
            {
                if (Types.IsObject(target) || Types.OwnerOf(target) >= 0)
                    continue;

                Types.SetOwner(target, owner);
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
