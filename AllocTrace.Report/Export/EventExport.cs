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
                    each.TimeNs, process.Pid, each.Thread.OsId, each.Domain, Name(each.Kind), Hexadecimal(each.Address), each.Size, Hexadecimal(each.OldAddress),
                    each.Thread.Name, each.Interpreter, frame?.Filename, frame?.LineNumber, frame?.Function, stacks.NumberOf(each.Stack));
            }
        }
    }

    private static string Name(AllocationKind kind) => kind switch
    {
        AllocationKind.Malloc => "malloc",
        AllocationKind.Calloc => "calloc",
        AllocationKind.Realloc => "realloc",
        _ => "free",
    };

    private static string? Hexadecimal(ulong? address) => address is { } value ? $"0x{value:x}" : null;
}
