using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary><c>export --format csv --events</c>: one row for each call. The columns: docs/exports.md.</summary>
internal static class EventExport
{
    public static void Write(TraceDatabase database, IEnumerable<TraceProcess> processes, IReadOnlyCollection<TraceFilter[]> filters, CsvStacks stacks, CsvText csv)
    {
        csv.Header(
            "time_ns", "pid", "thread_id", "domain", "kind", "address", "size", "old_address", "thread", "interpreter", "filename", "lineno", "function", "stack");
        foreach (var process in processes)
        {
            foreach (var each in AllocationEvent.Read(database, process, filters))
            {
                var frame = stacks.FrameOf(each.Stack);
                csv.Row(
                    each.TimeNs, process.Pid, each.Thread.OsId, each.Domain, each.Kind.Word(), Hexadecimal(each.Address), each.Bytes, Hexadecimal(each.OldAddress),
                    each.Thread.Name, each.Interpreter, frame?.Filename, frame?.LineNumber, frame?.Function, stacks.NumberOf(each.Stack));
            }
        }
    }

    private static string? Hexadecimal(ulong? address) => address is { } value ? $"0x{value:x}" : null;
}
