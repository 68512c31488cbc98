using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary><c>export --format csv</c>: one row for each process, thread, domain and traceback. The columns: docs/exports.md.</summary>
internal static class CsvExport
{
    public static void Write(TraceDatabase database, IEnumerable<TraceProcess> processes, IReadOnlyCollection<TraceFilter[]> filters, CsvText csv)
    {
        csv.Header(
            "pid", "thread_id", "thread", "interpreter", "domain", "peak_bytes", "peak_blocks", "live_bytes", "live_blocks", "total_bytes", "total_blocks",
            "temporary_bytes", "temporary_blocks", "filename", "lineno", "function", "traceback");
        foreach (var site in processes.SelectMany(process => SiteUsage.Read(database, process, filters)))
        {
            var (total, _, temporary, peak, live) = site.Usage;
            var frame = site.Traceback.Newest;
            csv.Row(
                site.Process.Pid,
                site.Thread.OsId,
                site.Thread.Name,
                site.Thread.Interpreter,
                site.Domain,
                peak.Size,
                peak.Count,
                live.Size,
                live.Count,
                total.Size,
                total.Count,
                temporary.Size,
                temporary.Count,
                frame?.Filename,
                frame?.LineNumber,
                frame?.Function,
                CsvText.Cell(site.Traceback));
        }
    }
}
