using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary><c>export --format csv</c>: one row for each process, thread, domain and stack. The columns: docs/exports.md.</summary>
internal static class CsvExport
{
    public static void Write(
        TraceDatabase database, IEnumerable<TraceProcess> processes, IReadOnlyCollection<TraceFilter[]> filters, CsvStacks stacks, CsvText csv)
    {
        csv.Header(
            "pid", "thread_id", "thread", "interpreter", "domain", "peak_bytes", "peak_blocks", "live_bytes", "live_blocks", "total_bytes", "total_blocks",
            "temporary_bytes", "temporary_blocks", "filename", "lineno", "function", "stack");
        var tests = filters.Select(list => new SiteFilter(database, list)).ToArray();
        foreach (var process in processes)
        {
            var index = database.IndexOfProcess(process.Id);
            foreach (var site in database.ReadCounters(process))
            {
                if (tests.All(test => test.Passes(new Site(index, site.Thread, site.Domain, site.Stack, 0, 0))))
                    Write(database, process, site, stacks, csv);
            }
        }
    }

    private static void Write(TraceDatabase database, TraceProcess process, in SiteCounters site, CsvStacks stacks, CsvText csv)
    {
        var (total, _, temporary, peak, live) = Usage.Of(site);
        var thread = database.Threads[site.Thread];
        var frame = stacks.FrameOf(site.Stack);
        csv.Row(
            process.Pid, thread.OsId, thread.Name, thread.Interpreter, database.Domains[site.Domain].Name, peak.Bytes, peak.Blocks, live.Bytes, live.Blocks, total.Bytes,
            total.Blocks, temporary.Bytes, temporary.Blocks, frame?.Filename, frame?.LineNumber, frame?.Function, stacks.NumberOf(site.Stack));
    }
}
