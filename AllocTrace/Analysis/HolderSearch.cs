using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Answers who holds objects, and what waits for the garbage collector, from what was kept with snapshots.</summary>
/// <param name="database">The recording.</param>
/// <param name="snapshots">Snapshots with types, at most one of each process.</param>
internal sealed class HolderSearch(TraceDatabase database, IReadOnlyList<TraceSnapshot> snapshots)
{
    /// <summary>Returns the types of the objects that sites which pass a filter allocated, with their holders, most bytes first.</summary>
    /// <param name="filters">The sites; one match is enough.</param>
    /// <param name="isPrivate">True if paths leave out keys and strings of the program.</param>
    public IReadOnlyList<HeldType> OfSites(IReadOnlyCollection<TraceFilter> filters, bool isPrivate)
    {
        var filter = new SiteFilter(database, filters);
        return Held((site, _) => filter.Passes(site), isPrivate);
    }

    /// <summary>Returns the holders of the objects of a type: by its full name, without <c>builtins</c>, or by the end of its name behind a dot.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isPrivate">True if paths leave out keys and strings of the program.</param>
    public IReadOnlyList<HeldType> OfType(string name, bool isPrivate)
    {
        var names = database.BlockTypes.Where(type => type.IsObject).Select(type => type.Type).ToHashSet();
        var exact = names.Where(type => type == name || BlockType.OfObjects(type).ShortType == name).ToHashSet();
        var wanted = exact.Count > 0 ? exact : names.Where(type => type.EndsWith($".{name}", StringComparison.Ordinal)).ToHashSet();
        return Held((_, type) => wanted.Contains(type), isPrivate);
    }

    /// <summary>Returns the garbage by type and line, most bytes first.</summary>
    public IReadOnlyList<GarbageOfLine> Garbage()
    {
        var lines = FrameGrouping.ByLine(database.Stacks);
        return
        [
            .. from row in snapshots.SelectMany(database.ReadGarbage)
               group row by (row.Type, Line: lines.GroupOf(database.Sites.Sites[row.Site])) into rows
               let statistic = lines.Describe(rows.Key.Line, rows.Sum(row => row.Bytes), rows.Sum(row => row.Blocks), database.Sites.Sites[rows.First().Site].Stack)
               orderby statistic.Size descending, statistic.Count descending, rows.Key.Type
               select new GarbageOfLine(BlockType.OfObjects(rows.Key.Type), statistic),
        ];
    }

    private IReadOnlyList<HeldType> Held(Func<Site, string, bool> isWanted, bool isPrivate)
    {
        var amounts = new Dictionary<string, (long Count, long Size, long Retained)>();
        foreach (var part in database.ReadTypedSites(snapshots))
        {
            foreach (ref readonly var site in part.Sites)
            {
                var row = database.TypeRows[site.TypeRow];
                var type = database.BlockTypes[row.Type];
                if (!type.IsObject || !isWanted(site, type.Type))
                    continue;

                var sum = amounts.GetValueOrDefault(type.Type);
                amounts[type.Type] = (sum.Count + site.Blocks, sum.Size + site.Bytes, sum.Retained + row.Retained);
            }
        }

        var holders = snapshots.SelectMany(database.ReadHolders)
            .Where(holder => isWanted(database.Sites.Sites[holder.Site], holder.Type))
            .ToLookup(holder => holder.Type);
        return
        [
            .. amounts.OrderByDescending(each => each.Value.Retained).ThenByDescending(each => each.Value.Size).ThenBy(each => each.Key, StringComparer.Ordinal)
                .Select(each => new HeldType(BlockType.OfObjects(each.Key), each.Value.Count, each.Value.Size, each.Value.Retained, ByPath(holders[each.Key], isPrivate))),
        ];
    }

    private static HeldBy[] ByPath(IEnumerable<TraceHolder> holders, bool isPrivate) =>
    [
        .. holders.GroupBy(holder => isPrivate ? holder.PrivatePath : holder.Path)
            .Select(group => new HeldBy(group.Key, group.Sum(holder => holder.Blocks), group.Sum(holder => holder.Bytes), group.Sum(holder => holder.Retained)))
            .OrderByDescending(held => held.Count).ThenByDescending(held => held.Size).ThenBy(held => held.Path, StringComparer.Ordinal),
    ];
}
