using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Lake;

/// <summary><c>export --format parquet</c>: the sites of a recording at its moments, as rows for engines that read many recordings at once.</summary>
/// <param name="database">The recording.</param>
/// <param name="filters">The filters that rows must pass.</param>
/// <param name="hasSlices">True to have rows for each site in each time slice.</param>
internal sealed class LakeExport(TraceDatabase database, IReadOnlyCollection<TraceFilter[]> filters, bool hasSlices)
{
    private readonly SiteFilter[] _filters = [.. filters.Select(list => new SiteFilter(database, list))];

    /// <summary>Writes the rows of processes into one file.</summary>
    /// <param name="processes">The processes, with what they belong to.</param>
    /// <param name="isPartitioned">See <see cref="LakeWriter.Create"/>.</param>
    /// <param name="target">Gets the file.</param>
    /// <returns>The number of rows.</returns>
    public long Write(IReadOnlyList<LakeProcess> processes, bool isPartitioned, Stream target)
    {
        var writer = LakeWriter.Create(database, target, isPartitioned).GetAwaiter().GetResult();
        foreach (var owner in processes)
        {
            AddTotals(owner, writer);
            foreach (var moment in database.Snapshots.Where(moment => moment.Process == owner.Process.Id))
                AddMoment(owner, moment, writer);
        }

        if (hasSlices)
            AddSlices(processes.ToDictionary(owner => owner.Process.Id), writer);

        writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return writer.Rows;
    }

    private void AddTotals(LakeProcess owner, LakeWriter writer)
    {
        var moment = new LakeMoment("total", "", 0, owner.Process.DurationNs);
        var process = database.IndexOfProcess(owner.Process.Id);
        foreach (var site in database.ReadCounters(owner.Process))
        {
            if (Passes(new Site(process, site.Thread, site.Domain, site.Stack, 0, 0)))
                writer.Add(Row(owner, moment, site.Thread, site.Domain, site.Stack) with { Allocated = site.Allocated, Freed = site.Freed, Temporary = site.Temporary });
        }
    }

    private void AddMoment(LakeProcess owner, TraceSnapshot moment, LakeWriter writer)
    {
        var its = new LakeMoment(moment.Kind.Word(), moment.IsNamed ? moment.Name : "", moment.AtNs, moment.AtNs);
        foreach (var part in database.ReadLiveSites([moment]))
        {
            foreach (ref readonly var site in part.Sites)
            {
                if (Passes(site))
                    writer.Add(Row(owner, its, site.Thread, site.Domain, site.Stack) with { Live = new MemoryAmount(site.Bytes, site.Blocks) });
            }
        }
    }

    private void AddSlices(Dictionary<long, LakeProcess> owners, LakeWriter writer)
    {
        var sites = database.Sites.Sites;
        database.VisitSlices(change =>
        {
            var slice = database.Slices[change.Slice];
            var site = sites[change.Site];
            if (owners.TryGetValue(slice.Process, out var owner) && Passes(site))
                writer.Add(Row(owner, new LakeMoment("slice", "", slice.StartNs, slice.EndNs), site.Thread, site.Domain, site.Stack) with { Allocated = change.Allocated, Freed = change.Freed });
        });
    }

    private bool Passes(in Site site)
    {
        foreach (var filter in _filters)
        {
            if (!filter.Passes(site))
                return false;
        }

        return true;
    }

    private LakeRow Row(LakeProcess owner, LakeMoment moment, int thread, int domain, int stack) =>
        new(owner, moment, database.Threads[thread], database.Domains[domain].Name, stack, default, default, default, default);
}
