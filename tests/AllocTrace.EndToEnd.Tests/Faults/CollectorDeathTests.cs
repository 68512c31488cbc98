using System.Diagnostics;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Kills a collector at random times while a program records itself; a new one takes over each time. The result is that of an undisturbed
/// collector. <c>ALLOCTRACE_KILLS</c> is the number of kills (20 by default); docs/reliability.md has the figures of 200.
/// </summary>
[TestClass]
public sealed class CollectorDeathTests
{
    private const int StepsForEachKill = 3;

    /// <summary>
    /// Selects everything of the program's own file that does not depend on time, by place, and the losses. The interpreter's start differs
    /// a little from run to run.
    /// </summary>
    private const string Result = """
        SELECT domain_name || ' ' || lineno || ' ' || function || ': ' || sum(allocated_blocks) || ' ' || sum(allocated_bytes) || ' ' || sum(freed_blocks) || ' '
            || sum(freed_bytes) || ' ' || sum(temporary_blocks) FROM site_frame WHERE filename LIKE '%steps.py' GROUP BY domain_name, lineno, function
        UNION ALL SELECT 'live ' || lineno || ' ' || sum(blocks) || ' ' || sum(bytes) FROM live WHERE filename LIKE '%steps.py' GROUP BY lineno
        UNION ALL SELECT 'peak ' || lineno || ' ' || sum(blocks) || ' ' || sum(bytes) FROM peak WHERE filename LIKE '%steps.py' GROUP BY lineno
        UNION ALL SELECT reason || ' ' || events FROM loss
        UNION ALL SELECT 'unknown frees ' || unknown_frees FROM process
        ORDER BY 1
        """;

    private static readonly int _kills = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_KILLS") ?? "20");

    public required TestContext TestContext { get; init; }

    [TestMethod]
    public void Another_collector_comes_to_the_same_result()
    {
        var python = Python.Default;
        const int killsARun = 10;
        var runs = Math.Max(1, _kills / killsARun);
        var undisturbed = Record(python, killsARun, () => { });
        var random = new Random(Environment.TickCount);
        for (var run = 0; run < runs; run++)
            Assert.AreEqual(string.Join('\n', undisturbed), string.Join('\n', Record(python, killsARun, () => Thread.Sleep(random.Next(700)), kills: true)), $"run {run}");
    }

    [TestMethod]
    public void Program_starts_another_collector_when_its_own_was_killed()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var undisturbed = Record(Python.Default, 4, () => { });
        using var program = Start(Python.Default, folder, database);
        for (var kill = 0; kill < 4; kill++)
        {
            // Enough for it to wait for slabs that the dead collector cannot give back; the last one is killed when the work is done.
            var done = Task.Run(() => Steps(program));
            KillCollector(folder);
            Assert.IsTrue(done.Wait(TimeSpan.FromMinutes(4)), "the program continues");
        }

        program.StandardInput.Close();
        Assert.IsTrue(program.WaitForExit(TimeSpan.FromMinutes(1)));
        Assert.AreEqual((0, ""), (program.ExitCode, program.StandardError.ReadToEnd()));
        HostDatabase.Await(database);
        Assert.AreEqual("t.db", string.Join(' ', folder.Files("*").Select(Path.GetFileName)), "nothing is left");
        CollectionAssert.AreEquivalent(undisturbed, TraceQuery.Rows<string>(database, Result));
    }

    [TestMethod]
    public void What_a_killed_run_leaves_is_collected()
    {
        using var folder = new TemporaryFolder();
        var steps = Alloctrace.ProgramFile("steps.py");
        var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", folder.File("never.db"), "--", Python.Default.Path, "-S", "-I", steps])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PYTHONHASHSEED"] = "0" },
        };
        using var run = Process.Start(start)!;
        Assert.AreEqual("ready", run.StandardOutput.ReadLine());
        Steps(run);
        var (pid, sessions) = SessionBelow(run);
        run.Kill();
        run.WaitForExit();

        using var collector = Process.Start(Alloctrace.Program, ["collect", "-q", "-o", folder.File("t.db"), sessions]);
        Steps(run); // its standard input is the program's
        run.StandardInput.Close();
        Assert.IsTrue(collector.WaitForExit(TimeSpan.FromMinutes(2)));
        Assert.AreEqual(0, collector.ExitCode);
        CollectionAssert.AreEquivalent(Record(Python.Default, 2, () => { }), TraceQuery.Rows<string>(folder.File("t.db"), Result));
        Assert.IsFalse(Directory.Exists(sessions), "nothing is left");
        Assert.AreEqual(pid, TraceQuery.Single<long>(folder.File("t.db"), "SELECT pid FROM process"));
    }

    [TestMethod]
    public void Second_collector_of_a_session_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var program = Start(Python.Default, folder);
        using var first = StartCollector(folder);
        AwaitCollector(folder, first);
        var second = Alloctrace.Run("collect", "-q", "-o", folder.File("second.db"), folder.Path);
        Assert.AreEqual(1, second.ExitCode);
        StringAssert.Contains(second.Error, $"process {first.Id} is already collecting it");
        program.StandardInput.Close();
        Assert.IsTrue(first.WaitForExit(TimeSpan.FromMinutes(2)));
        Assert.IsTrue(File.Exists(folder.File("t.db")));
    }

    /// <summary>Records the program, some steps for each collector, which may be killed at any time.</summary>
    private string[] Record(Python python, int collectors, Action wait, bool kills = false)
    {
        using var folder = new TemporaryFolder();
        using var program = Start(python, folder);
        var collector = StartCollector(folder);
        for (var kill = 0; kill < collectors; kill++)
        {
            var done = Task.Run(() => Steps(program));
            if (kills)
            {
                wait();
                collector.Kill();
                collector.WaitForExit();
                TestContext.WriteLine(string.Join(' ', folder.Files("*").Select(file => $"{Path.GetExtension(file)} {new FileInfo(file).Length >> 10}K")));
                collector.Dispose();
                collector = StartCollector(folder);
            }

            Assert.IsTrue(done.Wait(TimeSpan.FromMinutes(4)), "the program continues");
        }

        program.StandardInput.Close();
        Assert.IsTrue(program.WaitForExit(TimeSpan.FromMinutes(1)));
        Assert.AreEqual((0, ""), (program.ExitCode, program.StandardError.ReadToEnd()));
        Assert.IsTrue(collector.WaitForExit(TimeSpan.FromMinutes(2)));
        Assert.AreEqual(0, collector.ExitCode);
        collector.Dispose();
        Assert.AreEqual("t.db", string.Join(' ', folder.Files("*").Select(Path.GetFileName)), "nothing is left");
        return TraceQuery.Rows<string>(folder.File("t.db"), Result);
    }

    private static void Steps(Process program)
    {
        for (var step = 0; step < StepsForEachKill; step++)
        {
            program.StandardInput.WriteLine("60000");
            Assert.AreEqual("done", program.StandardOutput.ReadLine());
        }
    }

    private static Process Start(Python python, TemporaryFolder folder, string? database = null)
    {
        var start = new ProcessStartInfo(python.Path, ["-S", "-I", Alloctrace.ProgramFile("steps.py")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = database ?? folder.Path, ["ALLOCTRACE_OPTIONS"] = database is null ? "collector=off" : "", ["PYTHONHASHSEED"] = "0" },
        };
        var process = Process.Start(start)!;
        Assert.AreEqual("ready", process.StandardOutput.ReadLine());
        return process;
    }

    /// <summary>Starts a collector with a journal that is short enough for checkpoints. It writes stacks while the program runs.</summary>
    private static Process StartCollector(TemporaryFolder folder) => Process.Start(
        new ProcessStartInfo(Alloctrace.Program, ["collect", "-q", "-o", folder.File("t.db"), folder.Path]) { Environment = { ["ALLOCTRACE_SHORTEST_JOURNAL"] = "1000000", ["ALLOCTRACE_EARLY_SITES"] = "1" } })!;

    private static void AwaitCollector(TemporaryFolder folder, Process collector)
    {
        while (CollectorOf(folder) != collector.Id)
            Thread.Sleep(5);
    }

    private static unsafe uint CollectorOf(TemporaryFolder folder)
    {
        using var session = Wire.SessionFile.TryOpen(folder.Files("*.alloctrace").Single(), shared: false);
        return session is null ? 0 : session.Header->CollectorPid;
    }

    private static void KillCollector(TemporaryFolder folder)
    {
        while (true)
        {
            var pid = (int)CollectorOf(folder);
            try
            {
                if (pid != 0)
                {
                    using var collector = Process.GetProcessById(pid);
                    collector.Kill();
                    return;
                }
            }
            catch (ArgumentException)
            {
                // The program has not seen yet that it is gone: it has not needed it.
                return;
            }

            Thread.Sleep(5);
        }
    }

    /// <summary>The process that `run` records, and the folder of its session.</summary>
    private static (long Pid, string Folder) SessionBelow(Process run)
    {
        var child = File.ReadAllText($"/proc/{run.Id}/task/{run.Id}/children").Trim();
        var line = File.ReadLines($"/proc/{child}/maps").First(line => line.EndsWith(".alloctrace", StringComparison.Ordinal));
        return (long.Parse(child), Path.GetDirectoryName(line[line.IndexOf('/')..])!);
    }
}
