using System.Diagnostics;
using System.Globalization;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Runs programs of all kinds at random: threads of Python and of C, forks that end in every way, pools, other programs, sub-interpreters,
/// generators, coroutines, code made at run time, tracemalloc, numpy. Their results are those without the tracer, and each process is
/// recorded call by call as an auditor counts it. ALLOCTRACE_MIXED is the number of seconds, on every CPython (docs/reliability.md).
/// </summary>
[TestClass]
public sealed class MixedSoakTests
{
    private const int Depth = 1;

    private static readonly TimeSpan _time = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_MIXED") ?? "0"));

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void Mixed_programs_are_what_they_are_alone_and_recorded_to_the_last_call()
    {
        Python[] pythons = _time == TimeSpan.Zero ? [.. Python.Corners] : [.. Python.OfEachVersion];
        var (wrong, processes, calls, unknown, seed) = (new List<string>(), 0, 0L, 0L, 0);
        for (var begun = Stopwatch.StartNew(); seed < pythons.Length || begun.Elapsed < _time; seed++)
        {
            using var folder = new TemporaryFolder();
            var audit = new AuditOfEach(folder);
            var python = pythons[seed % pythons.Length];
            wrong.AddRange(Round(audit, python, seed).Select(line => $"{python}, seed {seed}: {line}"));
            (processes, calls, unknown) = (processes + audit.Totals.Processes, calls + audit.Totals.Calls, unknown + audit.UnknownFrees);
        }

        TestContext.WriteLine($"{seed} programs, {processes:N0} processes, {calls:N0} calls, {unknown} frees of blocks that the auditor did not know either");
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
        Assert.IsGreaterThan(pythons.Length, processes);
    }

    private static IReadOnlyList<string> Round(AuditOfEach audit, Python python, int seed)
    {
        string[] command = [python.Path, "-W", "ignore", Alloctrace.ProgramFile("mixed.py"), seed.ToString(CultureInfo.InvariantCulture), TestLibrary.Threads, $"{Depth}"];
        var alone = Command.Run(command[0], command[1..]);
        var recorded = audit.Run(command);
        if ((alone.ExitCode, alone.Lines[^1]) != (recorded.ExitCode, recorded.Lines[^1]))
            return [$"exit code {alone.ExitCode} and '{alone.Lines[^1]}' alone, {recorded.ExitCode} and '{recorded.Lines[^1]}' recorded\n{alone.Error}{recorded.Error}"];

        return audit.Differences();
    }
}
