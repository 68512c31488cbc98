using System.Runtime.InteropServices;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Sums the blocks of groups by type, in a snapshot with types.</summary>
/// <param name="database">The recording.</param>
/// <param name="parts">The sites, by type.</param>
internal sealed class GroupTypes(TraceDatabase database, IReadOnlyList<SiteTable> parts)
{
    /// <summary>The types of some groups, in their order, and what they retain.</summary>
    /// <param name="grouping">The grouping.</param>
    /// <param name="groups">The indexes of the groups.</param>
    /// <param name="isByType">True if the groups are types: the types of a site are then in different groups.</param>
    public (IReadOnlyList<TypeAmount> Types, long Retained)[] Of(Grouping grouping, int[] groups, bool isByType)
    {
        var places = new int[grouping.Count];
        Array.Fill(places, -1);
        for (var i = 0; i < groups.Length; i++)
            places[groups[i]] = i;

        var sums = Array.ConvertAll(groups, _ => new Dictionary<int, MemoryAmount>());
        var retained = new long[groups.Length];
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                if (places[grouping.GroupOf(site)] is not (>= 0 and var place))
                    continue;

                var row = database.TypeRows[site.TypeRow];
                ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(sums[place], row.Type, out _);
                sum += new MemoryAmount(site.Bytes, site.Blocks);
                retained[place] += isByType ? row.Retained : row.OfSite;
            }
        }

        return [.. sums.Zip(retained, (types, bytes) => (Ordered(types), bytes))];
    }

    private IReadOnlyList<TypeAmount> Ordered(Dictionary<int, MemoryAmount> types) =>
        [.. types.Select(pair => new TypeAmount(database.BlockTypes[pair.Key], pair.Value.Bytes, pair.Value.Blocks)).OrderByDescending(type => type.Size).ThenByDescending(type => type.Count).ThenBy(type => type.Type.ToString(), StringComparer.Ordinal)];
}
