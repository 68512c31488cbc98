using System.Runtime.InteropServices;

namespace AllocTrace.Memory;

/// <summary>Sums up resident memory by part.</summary>
internal sealed class PartSums
{
    private readonly Dictionary<(string Kind, string Name), (long Resident, long Live)> _sums = [];

    public void Add(string kind, long resident, long live = 0, string name = "")
    {
        if (resident == 0)
            return;

        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_sums, (kind, name), out _);
        sum.Resident += resident;
        sum.Live += live;
    }

    /// <summary>All parts: kinds in the order of <see cref="MemoryKind.All"/>, and of a kind the largest first.</summary>
    public MemoryPart[] All() =>
    [
        .. _sums.Select(sum => new MemoryPart(sum.Key.Kind, sum.Key.Name, sum.Value.Resident, sum.Value.Live))
            .OrderBy(part => Index(part.Kind)).ThenByDescending(part => part.Resident).ThenBy(part => part.Name, StringComparer.Ordinal),
    ];

    private static int Index(string kind) => MemoryKind.All.TakeWhile(each => each != kind).Count();
}
