using System.Diagnostics;

namespace AllocTrace.Benchmarks;

/// <summary>Measures the time that a person waits for a report: whole runs of the <c>alloctrace</c> command, including its start.</summary>
internal static class ReportBenchmark
{
    private const int Runs = 9;

    private static readonly string[] _reports =
    [
        "top DB", "top DB --view peak", "top DB --view total", "top DB --group-by traceback", "top DB --group-by function --cumulative",
        "top DB --filter app/* --all-frames", "summary DB", "tree DB", "leaks DB", "timeline DB", "diff DB --at peak --at live",
        "diff DB NEW", "diff DB NEW --group-by traceback", "diff DB NEW --group-by function", "export DB --format pprof -o /dev/null", "export DB --format speedscope -o /dev/null",
        "export DB --format collapsed -o /dev/null", "export DB --format tracemalloc -o /dev/null", "flamegraph DB -o /dev/null",
    ];

    /// <param name="command">The <c>alloctrace</c> executable.</param>
    /// <param name="stacks">The size of the recording.</param>
    public static void Run(string command, int stacks)
    {
        var path = Path.Combine(Path.GetTempPath(), $"alloctrace-benchmark-{Environment.ProcessId}.db");
        try
        {
            ManyStacks.Write(path, stacks);
            ManyStacks.Write(path + ".new", stacks, version: 2);
            Console.WriteLine($"{stacks:N0} stacks, a database of {new FileInfo(path).Length >> 20} MiB; median and least of {Runs} runs");
            foreach (var report in _reports)
            {
                var times = Enumerable.Range(0, Runs).Select(_ => Milliseconds(command, report.Replace("DB", path).Replace("NEW", path + ".new"))).Order().ToArray();
                Console.WriteLine($"  {report,-42} {times[Runs / 2],6:F0} ms  {times[0],6:F0} ms");
            }
        }
        finally
        {
            File.Delete(path);
            File.Delete(path + ".new");
        }
    }

    private static double Milliseconds(string command, string arguments)
    {
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? watch.Elapsed.TotalMilliseconds : throw new InvalidOperationException($"{arguments}: exit code {process.ExitCode}");
    }
}
