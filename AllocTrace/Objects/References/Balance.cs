namespace AllocTrace.Objects;

/// <summary>Compares the references that were found with reference counts, which CPython keeps itself.</summary>
/// <param name="Objects">The objects that have a count: immortal ones do not.</param>
/// <param name="Equal">Those to which as many references were found as their count says.</param>
/// <param name="Held">Those with fewer: frames, static data or C code hold them.</param>
/// <param name="Over">Those with more: some of the references are none.</param>
internal sealed record Balance(long Objects, long Equal, long Held, long Over)
{
    public static Balance Of(HeapGraph graph)
    {
        var (objects, equal, held) = (0L, 0L, 0L);
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (graph.KindOf(i) != BlockKind.Object || graph.References.Unexplained[i] is var unexplained && unexplained == int.MaxValue)
                continue;

            objects++;
            equal += graph.References.Unexplained[i] == 0 ? 1 : 0;
            held += graph.References.Unexplained[i] > 0 ? 1 : 0;
        }

        return new Balance(objects, equal, held, objects - equal - held);
    }
}
