using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>Sums the allocations and frees of places in periods of time, few enough for a page: where there are too many, slices become wider.</summary>
internal sealed class RangeChanges
{
    private const long MostRows = 1_000_000;

    private RangeChanges(int stride, IReadOnlyList<KeyValuePair<(int Slice, int Site), (MemoryAmount Allocated, MemoryAmount Freed)>> rows)
    {
        Stride = stride;
        Rows = rows;
    }

    /// <summary>The number of slices of the recording that are one here: a row stands at the last of them.</summary>
    public int Stride { get; }

    /// <summary>By slice (an index in the database's list) and site (an index in its list).</summary>
    public IReadOnlyList<KeyValuePair<(int Slice, int Site), (MemoryAmount Allocated, MemoryAmount Freed)>> Rows { get; }

    public static RangeChanges Read(TraceDatabase database, Func<Site, bool> wanted)
    {
        // Before the rows are known nobody knows how many there are after merging: it is at most as many.
        var sites = database.Sites.Sites;
        var isWanted = Array.ConvertAll(sites, site => wanted(site));
        long count = 0;
        database.VisitSlices(change => count += isWanted[change.Site] ? 1 : 0);
        var stride = 1;
        while (count / stride > MostRows)
            stride *= 2;

        var last = LastOfEach(database, stride);
        var rows = new Dictionary<(int, int), (MemoryAmount, MemoryAmount)>();
        database.VisitSlices(change =>
        {
            if (!isWanted[change.Site])
                return;

            var key = (last[change.Slice], change.Site);
            var (allocated, freed) = rows.GetValueOrDefault(key);
            rows[key] = (allocated + change.Allocated, freed + change.Freed);
        });
        return new RangeChanges(stride, [.. rows]);
    }

    private static int[] LastOfEach(TraceDatabase database, int stride)
    {
        var last = new int[database.Slices.Count];
        for (var begin = 0; begin < last.Length;)
        {
            var end = begin;
            while (end < last.Length && end < begin + stride && database.Slices[end].Process == database.Slices[begin].Process)
                end++;

            Array.Fill(last, end - 1, begin, end - begin);
            begin = end;
        }

        return last;
    }
}
