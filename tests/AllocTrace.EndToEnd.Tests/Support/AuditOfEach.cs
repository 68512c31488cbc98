using System.Runtime.InteropServices;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares a program and every process that it makes, by the auditor (native/counting_allocator.c) and by the database. Processes that
/// ended are exact; of a killed one the last call may be missing, and one that continues has made more calls.
/// </summary>
internal sealed class AuditOfEach(TemporaryFolder folder)
{
    private const int Domains = 3, Operations = 4, Unknown = 2 * Domains * Operations;

    private static readonly string[] _operations = ["malloc", "calloc", "realloc", "free"];

    private string Counted => folder.File("counted");

    private string Database => folder.File("t.db");

    /// <summary>The number of processes that were compared, and of their calls.</summary>
    public (int Processes, long Calls) Totals { get; private set; }

    /// <summary>The number of frees of blocks that neither the auditor nor the database knew.</summary>
    public long UnknownFrees { get; private set; }

    /// <summary>Runs the command recorded, with the auditor below the tracer.</summary>
    public CommandResult Run(IEnumerable<string> command)
    {
        Directory.CreateDirectory(Counted);
        var script = $"LD_PRELOAD=\"$LD_PRELOAD:{TestLibrary.CountingAllocator}\" COUNTED_EACH={Counted} exec \"$@\"";
        return Alloctrace.Run(["run", "-q", "-f", "-o", Database, "--", "sh", "-c", script, "sh", .. command]);
    }

    /// <summary>Compares the auditor's figures with the recorded ones.</summary>
    /// <returns>The differences; empty if there are none.</returns>
    public IReadOnlyList<string> Differences()
    {
        var counted = CountedProcesses().ToLookup(process => process.Pid, process => process.Figures);
        var recorded = RecordedProcesses().ToLookup(process => process.Pid, process => (process.Ending, process.Figures));
        var differences = counted.Select(each => each.Key).Union(recorded.Select(each => each.Key)).SelectMany(pid => DifferencesOf(pid, [.. counted[pid]], [.. recorded[pid]]));
        var losses = TraceQuery.Rows<string>(Database, "SELECT 'lost: ' || events || ' ' || reason FROM loss");
        return [.. differences, .. losses];
    }

    private IEnumerable<string> DifferencesOf(int pid, long[][] counted, (string Ending, long[] Figures)[] recorded)
    {
        if (counted.Length != recorded.Length)
            return [$"process {pid}: {counted.Length} programs were counted, {recorded.Length} recorded"];

        return counted.Zip(recorded).SelectMany(pair => DifferencesOf(pid, pair.First, pair.Second.Figures, pair.Second.Ending));
    }

    private List<string> DifferencesOf(int pid, long[] counted, long[] recorded, string ending)
    {
        var result = new List<string>();
        Totals = (Totals.Processes + 1, Totals.Calls + Calls(recorded));
        UnknownFrees += recorded[Unknown];
        if (ending is "killed" or "running" && Calls(recorded) <= Calls(counted) + 1 && (ending == "running" || Calls(counted) <= Calls(recorded) + 1))
            return result;

        for (var i = 0; i <= Unknown; i++)
        {
            if (counted[i] != recorded[i])
                result.Add($"process {pid} ({ending}): {counted[i]:N0} were counted, {recorded[i]:N0} recorded: {Name(i)}");
        }

        return result;
    }

    private static long Calls(long[] figures) => figures.Where((_, i) => i % 2 == 0 && i < Unknown).Sum();

    private static string Name(int i) => i == Unknown
        ? "frees of unknown blocks"
        : $"{((string[])["raw", "mem", "obj"])[i / 2 / Operations]} {_operations[i / 2 % Operations]} {(i % 2 == 0 ? "calls" : "bytes")}";

    /// <summary>Reads the files PID.N: <c>struct figures</c>. A process that made no call is not in the database.</summary>
    private IEnumerable<(int Pid, long[] Figures)> CountedProcesses() =>
        from file in Directory.GetFiles(Counted)
        let name = Path.GetFileName(file).Split('.').Select(int.Parse).ToArray()
        orderby name[1]
        let figures = MemoryMarshal.Cast<byte, long>(File.ReadAllBytes(file)).ToArray()
        where figures.Any(figure => figure != 0)
        select (name[0], figures);

    private IEnumerable<(int Pid, string Ending, long[] Figures)> RecordedProcesses()
    {
        var calls = TraceQuery.Rows<(long Process, string Domain, string Kind, long Calls, long Bytes)>(
            Database, "SELECT process, name, kind, calls, bytes FROM operation JOIN domain ON domain.id = domain WHERE name IN ('raw', 'mem', 'obj')").ToLookup(row => row.Process);
        foreach (var (id, pid, ending, unknown) in TraceQuery.Rows<(long, long, string, long)>(Database, "SELECT id, pid, ending, unknown_frees FROM process ORDER BY started_at"))
        {
            var figures = new long[Unknown + 1];
            figures[Unknown] = unknown;
            foreach (var row in calls[id])
            {
                var at = 2 * (Array.IndexOf(["raw", "mem", "obj"], row.Domain) * Operations + Array.IndexOf(_operations, row.Kind));
                (figures[at], figures[at + 1]) = (row.Calls, row.Bytes);
            }

            yield return ((int)pid, ending, figures);
        }
    }
}
