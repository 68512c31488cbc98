using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Fuzz;

/// <summary>Reads everything of a database that reports read.</summary>
internal sealed class DatabaseTarget(IReadOnlyList<Seed> seeds) : Target(seeds)
{
    private const int MostEvents = 10_000;

    protected override bool Read(Seed seed)
    {
        ReadAll(seed.Path);
        return true;
    }

    /// <exception cref="InvalidTraceException">It is not a recording, or damaged.</exception>
    public static void ReadAll(string path)
    {
        using var database = TraceDatabase.Open(path);
        Snapshot? last = null;
        foreach (var view in Enum.GetValues<View>())
        {
            var snapshot = Snapshot.Load(database, view);
            _ = snapshot.Statistics(view == View.Peak ? GroupBy.Traceback : GroupBy.Lineno, limit: 10).Count;
            if (last is not null)
                _ = snapshot.CompareTo(last, GroupBy.Function, limit: 10);

            last = snapshot;
        }

        foreach (var group in Enum.GetValues<GroupBy>())
            _ = last!.Statistics(group, limit: 10).Count;

        _ = last!.Statistics(GroupBy.Lineno, Cumulation.OncePerTrace, limit: 10);
        foreach (var node in last.CallTree().Root.Children.Take(3))
            _ = node.Children;

        foreach (var moment in database.Snapshots.Where(moment => moment.IsNamed))
            _ = Snapshot.LoadAt(database, moment.Name).Blocks;

        foreach (var process in database.Processes)
        {
            _ = ProcessSummary.Read(database, process);
            _ = GrowthSeries.OfTime(database, process, GroupBy.Function, []).Growing();
            _ = SnapshotSeries.Read(database, process, 3).Count();
            _ = AllocationEvent.Read(database, process).Take(MostEvents).Count();
            _ = SiteUsage.Read(database, process).Take(100).Count();
        }
    }
}
