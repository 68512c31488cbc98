namespace AllocTrace.Memory;

/// <summary>Divides data mappings into areas: adjacent mappings of different owners are one for the system.</summary>
/// <param name="map">The mappings.</param>
/// <param name="arenas">Address and bytes of CPython's arenas, ascending.</param>
internal sealed class Areas(MemoryMap map, IReadOnlyList<(ulong Address, ulong Bytes)> arenas)
{
    /// <summary>The part of a thread's stack above its descriptor: static thread-local storage is below it.</summary>
    private const ulong DescriptorBytes = 4096;

    /// <summary>Returns the areas of a mapping, ascending and without gaps.</summary>
    public List<Area> Of(MappedRange mapping)
    {
        var known = new List<Area>();
        if (mapping.Name == "[stack]")
            return [new Area(AreaKind.Stack, mapping.Start, mapping.End)];

        foreach (var (address, bytes) in map.Own)
            Add(new Area(AreaKind.Own, address, address + bytes));

        foreach (var heap in map.Heaps)
            Add(new Area(AreaKind.Heap, heap.Start, heap.End, heap));

        for (var i = FirstArena(mapping.Start); i < arenas.Count && arenas[i].Address < mapping.End; i++)
            Add(new Area(AreaKind.Arena, arenas[i].Address, arenas[i].Address + arenas[i].Bytes));

        if (mapping.Name == "[heap]" && known.Count == 0)
            return [new Area(AreaKind.Heap, mapping.Start, mapping.End)];

        foreach (var (stack, descriptor) in map.Stacks)
        {
            if (stack >= mapping.Start && stack < mapping.End)
                Add(StackArea(mapping, stack, descriptor, known));
        }

        known.Sort((one, other) => one.Start.CompareTo(other.Start));
        return Fill(mapping, known);

        void Add(Area area)
        {
            if (area.Start < mapping.End && area.End > mapping.Start && area.End > area.Start)
                known.Add(area with { Start = Math.Max(area.Start, mapping.Start), End = Math.Min(area.End, mapping.End) });
        }
    }

    private int FirstArena(ulong address)
    {
        var (low, high) = (0, arenas.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (arenas[middle].Address + arenas[middle].Bytes <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>The C library puts a thread's descriptor at the upper end of its stack. Below, the stack ends at a guard, or at another owner.</summary>
    private static Area StackArea(MappedRange mapping, ulong stack, ulong descriptor, List<Area> others)
    {
        var start = others.Where(other => other.End <= stack).Select(other => other.End).DefaultIfEmpty(mapping.Start).Max();
        var end = others.Where(other => other.Start > stack).Select(other => other.Start).DefaultIfEmpty(mapping.End).Min();
        var above = (descriptor / MemoryMap.PageBytes + 1) * MemoryMap.PageBytes + DescriptorBytes;
        return new Area(AreaKind.Stack, start, descriptor > stack && above < end ? above : end);
    }

    /// <summary>Returns the known areas and the gaps between them. Of two areas that overlap, the first has the common part.</summary>
    private static List<Area> Fill(MappedRange mapping, List<Area> known)
    {
        var areas = new List<Area>();
        var at = mapping.Start;
        foreach (var area in known)
        {
            if (area.End <= at)
                continue;

            if (area.Start > at)
                areas.Add(new Area(AreaKind.Rest, at, area.Start));

            areas.Add(area with { Start = Math.Max(area.Start, at) });
            at = area.End;
        }

        if (at < mapping.End)
            areas.Add(new Area(AreaKind.Rest, at, mapping.End));

        return areas;
    }
}
