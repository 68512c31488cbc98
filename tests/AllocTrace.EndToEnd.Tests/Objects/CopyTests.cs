using System.Diagnostics;
using System.Text.Json;

using AllocTrace.Sessions;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests copies of a recorded process, from which a collector reads types and holders: the program does not notice them.
/// <c>ALLOCTRACE_COPIES</c> is the number of copies of a program full of system calls (50 by default); a quarter of it is made of one that
/// changes objects all the time.
/// </summary>
[TestClass]
public sealed class CopyTests
{
    private const string CopyName = "alloctrace-copy";

    private static readonly int _copies = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_COPIES") ?? "50");
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    [TestMethod]
    public void Program_does_not_notice_copies()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, Python.Default, "copied.py", ["--children", "off"]);
        for (var i = 0; i < _copies; i++)
            Assert.StartsWith("types and holders from a copy", Take(run.Pid, $"copy {i}"));

        var said = JsonDocument.Parse(run.End("end")).RootElement;
        Assert.AreEqual("[]", said.GetProperty("errors").GetRawText());
        Assert.AreEqual("[]", said.GetProperty("zombies").GetRawText());
        foreach (var count in said.GetProperty("counts").EnumerateObject())
            Assert.IsGreaterThan(_copies / 10, count.Value.GetInt32(), count.Name);

        // A busy scheduler delays the end of a pipe as it delays a byte.
        var (end, usual) = (said.GetProperty("end_of_a_pipe").GetDouble(), said.GetProperty("byte").GetDouble());
        Assert.IsLessThan(Math.Max(0.15, 3 * usual), end, $"an end of a pipe came after {end} s, a byte after {usual} s");
    }

    [TestMethod]
    public void Copy_is_of_one_moment_while_threads_change_everything()
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, Python.Default, "churned.py");
        for (var i = 0; i < Math.Max(3, _copies / 12); i++)
            Assert.StartsWith("types and holders from a copy", Take(run.Pid, $"copy {i}"));

        run.End("end");
        var rows = TraceQuery.Rows<(string, long, long, long)>(run.Database, """
            SELECT name, sum(CASE WHEN type = '__main__.Row' AND object_type.kind = 'object' THEN object_type.blocks END), sum(CASE WHEN type = 'builtins.dict' AND object_type.kind = 'object' THEN object_type.blocks END),
                sum(CASE WHEN type = 'builtins.list' AND object_type.kind = 'object' THEN object_type.blocks END)
            FROM object_type JOIN site_frame ON site_frame.id = site JOIN snapshot ON snapshot.id = snapshot
            WHERE filename LIKE '%churned.py' AND function IN ('churn', '__init__', 'Row.__init__') GROUP BY name
            """);
        Assert.HasCount(Math.Max(3, _copies / 12), rows);
        foreach (var (name, objects, dicts, _) in rows)
        {
            // Each row has one dict; a thread may be between the two.
            Assert.IsGreaterThan(1000, objects, name);
            Assert.IsLessThanOrEqualTo(10, Math.Abs(objects - dicts), $"{name}: {objects} rows, {dicts} dicts");
        }

        AssertAddsUp(run.Database);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Types_are_read_from_a_copy_at_the_end_and_on_demand(Python python)
    {
        using var folder = new TemporaryFolder();
        using var run = Run(folder, python, "leaking.py", ["--objects", "end"], "idle");
        var idle = Take(run.Pid, "idle");
        Assert.Contains("2,000/2,000", Alloctrace.Run("holders", $"{run.Pid}", "Record", "--at", "idle").Succeeded().Output);
        Assert.StartsWith("types and holders read while the threads were held", idle);
        run.End("go");
        var rows = TraceQuery.Rows<(string, string, long, long)>(run.Database, """
            SELECT name, method, coalesce(sum(CASE WHEN type = '__main__.Record' AND object_type.kind = 'object' THEN object_type.blocks END), 0),
                coalesce(sum(CASE WHEN type = '__main__.Node' AND object_type.kind = 'object' THEN object_type.blocks END), 0)
            FROM object_snapshot JOIN snapshot ON snapshot.id = object_snapshot.snapshot JOIN object_type ON object_type.snapshot = snapshot.id GROUP BY name ORDER BY name
            """);
        (string, string, long, long)[] expected = [("idle", "held", 2000, 300), ("live", "copy", 2000, 300)];
        CollectionAssert.AreEqual(expected, rows, string.Join(' ', rows));
        AssertAddsUp(run.Database);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Planted_leak_shows_its_holder_in_two_commands(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        Alloctrace.Run("run", "-q", "--objects", "end", "-o", database, "--", python.Path, Alloctrace.ProgramFile("leaking.py")).Succeeded();
        var held = JsonDocument.Parse(Alloctrace.Run("holders", database, "Record", "--json").Succeeded().Output).RootElement.GetProperty("types")[0];
        var holder = held.GetProperty("holders")[0];
        Assert.AreEqual(("__main__.Record", 2000), (held.GetProperty("type").GetString(), held.GetProperty("count").GetInt32()));
        Assert.AreEqual(("__main__.CACHE[*]", 2000), (holder.GetProperty("path").GetString(), holder.GetProperty("count").GetInt32()), held.ToString());

        var garbage = JsonDocument.Parse(Alloctrace.Run("holders", database, "garbage", "--json", "-n", "0").Succeeded().Output).RootElement.GetProperty("garbage").EnumerateArray();
        var nodes = garbage.Single(each => each.GetProperty("type").GetString() == "__main__.Node");
        Assert.AreEqual((300, "leaking.py"), (nodes.GetProperty("count").GetInt32(), Path.GetFileName(nodes.GetProperty("traceback")[0].GetProperty("filename").GetString())));
    }

    /// <summary>
    /// Requires that an object retains at least its attributes, which are in memory beside it, to which stale addresses lead too.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Objects_retain_what_only_their_attributes_hold(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        Alloctrace.Run("run", "-q", "--objects", "end", "-o", database, "--", python.Path, Path.Combine(AppContext.BaseDirectory, "samples", "leak.py")).Succeeded();
        var held = JsonDocument.Parse(Alloctrace.Run("holders", database, "Session", "--json").Succeeded().Output).RootElement.GetProperty("types")[0];
        var buffers = Alloctrace.Top(database, "--filter", "*leak.py:7").Single();
        Assert.AreEqual(1000, held.GetProperty("count").GetInt32());
        Assert.IsGreaterThanOrEqualTo(buffers.GetProperty("size").GetInt64(), held.GetProperty("retained").GetInt64());
    }

    /// <summary>The rows are live for a while, and freed before the end.</summary>
    [TestMethod]
    public void Types_near_the_peak_are_read_as_memory_grows_and_the_last_ones_are_kept()
    {
        const int FewestRows = 30_000; // of 40,000: the next copy is of a tenth more live bytes and 1 MiB, of which other blocks are a part
        using var folder = new TemporaryFolder();
        using var run = Run(folder, Python.Default, "peaking.py", ["--objects", "end+peak"]);
        for (var end = Environment.TickCount64 + 30_000; RowsNow() < FewestRows && Environment.TickCount64 < end;)
            Thread.Sleep(100);

        Assert.Contains("done", run.End("end"));
        var held = JsonDocument.Parse(Alloctrace.Run("holders", run.Database, "Row", "--at", "near-peak", "--json").Succeeded().Output).RootElement.GetProperty("types")[0].GetProperty("holders")[0];
        StringAssert.Matches(held.GetProperty("path").GetString(), new(@"^thread 1: work \(peaking\.py:\d+\) local rows\[\*\]$"));
        Assert.IsGreaterThanOrEqualTo(FewestRows, held.GetProperty("count").GetInt32());
        var snapshots = TraceQuery.Rows<(string, string, long)>(run.Database, "SELECT name, method, bytes FROM object_snapshot JOIN snapshot ON snapshot.id = snapshot ORDER BY name");
        CollectionAssert.AreEqual(new[] { ("live", "copy"), ("near-peak", "copy") }, snapshots.Select(each => (each.Item1, each.Item2)).ToArray());
        Assert.IsLessThan(snapshots[1].Item3 / 2, snapshots[0].Item3);
        Assert.IsGreaterThan(TraceQuery.Single<long>(run.Database, "SELECT bytes FROM snapshot WHERE kind = 'peak'") * 8 / 10, snapshots[1].Item3);
        AssertAddsUp(run.Database);

        int RowsNow() => Alloctrace.Run("holders", $"{run.Pid}", "Row", "--at", "near-peak", "--json") is { ExitCode: 0 } found
            ? JsonDocument.Parse(found.Output).RootElement.GetProperty("types")[0].GetProperty("count").GetInt32() : 0;
    }

    /// <summary>The system says how much memory the collector has, before, at most and after.</summary>
    [TestMethod]
    public void Memory_for_a_copy_is_bounded_and_given_back()
    {
        const int Rows = 100_000, FewestBlocks = 6 * Rows, MostBytesOfBlock = 120;
        const long Other = 128 << 20; // what the runtime loads, compiles and has not collected yet
        using var folder = new TemporaryFolder();
        using var run = new RecordedRun(folder.File("t.db"), Python.Default, Alloctrace.ProgramFile("kept.py"), [], [$"{Rows}"], ("DOTNET_GCgen0size", "400000"));
        var before = Memory(run.Collector, "VmRSS");
        for (var i = 0; i < 4; i++)
            Assert.StartsWith("types and holders from a copy", Take(run.Pid, $"copy {i}"));

        var (most, after) = (Memory(run.Collector, "VmHWM"), Memory(run.Collector, "VmRSS"));
        run.End("end");
        var blocks = TraceQuery.Single<long>(run.Database, "SELECT max(blocks) FROM (SELECT sum(blocks) AS blocks FROM object_type GROUP BY snapshot)");
        Assert.IsGreaterThan(FewestBlocks, blocks);
        Console.WriteLine($"{blocks:N0} blocks; the collector has {before >> 20} MiB before, {most >> 20} at most, {after >> 20} after");
        Assert.IsLessThan(before + (MostBytesOfBlock * blocks) + Other, most);
        Assert.IsLessThan(before + Other, after);
    }

    [TestMethod]
    public void Forked_children_have_copies_of_their_own()
    {
        const string source = """
            import os, sys
            class Row: pass
            kept = [Row() for _ in range(500)]
            for child in range(3):
                if os.fork() == 0:
                    more = [Row() for _ in range(100 * (child + 1))]
                    sys.exit(0)
            for child in range(3): os.wait()
            """;
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        Alloctrace.Run("run", "-q", "--objects", "end", "-o", database, "--", Python.Default.Path, "-c", source).Succeeded();
        var rows = TraceQuery.Rows<long>(database, "SELECT sum(blocks) FROM object_type WHERE type = '__main__.Row' AND kind = 'object' GROUP BY snapshot ORDER BY 1");
        CollectionAssert.AreEqual(new long[] { 500, 600, 700, 800 }, rows);
        AssertAddsUp(database);
    }

    [TestMethod]
    [DataRow("1", "Operation not permitted")]
    [DataRow("11", "Resource temporarily unavailable")]
    [DataRow("nproc", "Resource temporarily unavailable")]
    public void Refused_copy_leaves_the_threads_to_be_held(string how, string why)
    {
        if (how == "nproc")
            OtherUser.Require();

        using var folder = new TemporaryFolder();
        using var run = Run(folder, how == "nproc" ? new Python(OtherUser.Python, 11, "3.11.2") : Python.Default, "confined.py", [], how);
        var said = Take(run.Pid, "held");
        Assert.StartsWith("types and holders read while the threads were held", said);
        Assert.Contains("done", run.End("end"));
        Assert.AreEqual("held", TraceQuery.Single<string>(run.Database, "SELECT method FROM object_snapshot"));
        StringAssert.Contains(TraceQuery.Single<string>(run.Database, "SELECT note FROM object_snapshot"), why);
    }

    [TestMethod]
    public void Program_continues_and_the_copy_ends_when_the_collector_is_killed()
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, Alloctrace.ProgramFile("churned.py")]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var collector = Process.Start(start)!;
        Assert.AreEqual("ready", collector.StandardOutput.ReadLine());
        var target = ChildOf(collector.Id);
        var request = Task.Run(() => SnapshotRequest.Take((uint)target, "never", TimeSpan.FromSeconds(5), objects: true));
        var copy = Await(() => ChildrenOf(target).FirstOrDefault(child => Name(child) == CopyName), 5000);
        Assert.AreNotEqual(0, copy, "there is a copy");
        collector.Kill();
        Assert.ThrowsExactly<AggregateException>(request.Wait);
        try
        {
            Assert.IsTrue(Await(() => Directory.Exists($"/proc/{copy}") ? 0 : 1, 15_000) == 1, "the copy has ended and was reaped");
            Assert.DoesNotContain("Z (zombie)", File.ReadAllText($"/proc/{target}/status"), "the program continues");
        }
        finally
        {
            Process.GetProcessById(target).Kill();
        }
    }

    /// <summary>The collector is stopped while the program executes another one, so that the copy ends only afterwards.</summary>
    [TestMethod]
    public void Copy_of_a_program_that_executes_another_one_is_reaped()
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, Alloctrace.ProgramFile("executed.py")]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var collector = Process.Start(start)!;
        Assert.AreEqual("ready", collector.StandardOutput.ReadLine());
        var target = ChildOf(collector.Id);
        var request = Task.Run(() => Take((uint)target, "before"));
        try
        {
            var copy = Await(() => ChildrenOf(target).FirstOrDefault(child => Name(child) == CopyName), 20_000);
            Assert.AreNotEqual(0, copy, "there is a copy");
            Command.Run("kill", ["-STOP", $"{collector.Id}"]).Succeeded();
            collector.StandardInput.WriteLine("execute");
            Assert.AreEqual("again", collector.StandardOutput.ReadLine());
            Assert.Contains($"\nPPid:\t{target}\n", Status(copy), "the copy is there after the exec");
            Command.Run("kill", ["-CONT", $"{collector.Id}"]).Succeeded();
            Assert.AreEqual(1, Await(() => Directory.Exists($"/proc/{copy}") ? 0 : 1, 40_000), $"the copy is still there: {Status(copy)}");
            collector.StandardInput.WriteLine("end");
            Assert.IsTrue(collector.WaitForExit(_timeout));
            Assert.AreEqual(0, collector.ExitCode);
        }
        finally
        {
            if (!collector.HasExited)
                collector.Kill(entireProcessTree: true);
        }

        ((IAsyncResult)request).AsyncWaitHandle.WaitOne(_timeout);
    }

    /// <summary>Takes a snapshot with objects, once the collector has found the session.</summary>
    private static string Take(uint pid, string name)
    {
        for (var end = Environment.TickCount64 + 20_000; ; Thread.Sleep(20))
        {
            try
            {
                return SnapshotRequest.Take(pid, name, _timeout, objects: true);
            }
            catch (IOException e) when (e.Message.Contains("has no collector", StringComparison.Ordinal) && Environment.TickCount64 < end)
            {
                // It looks for sessions every few milliseconds.
            }
        }
    }

    private static int Await(Func<int> found, int milliseconds)
    {
        for (var end = Environment.TickCount64 + milliseconds; Environment.TickCount64 < end; Thread.Sleep(1))
        {
            if (found() is not 0 and var result)
                return result;
        }

        return 0;
    }

    private static int ChildOf(int pid) => Await(() => ChildrenOf(pid).FirstOrDefault(), 5000);

    private static IEnumerable<int> ChildrenOf(int pid) => Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!))
        .Where(child => Status(child).Contains($"\nPPid:\t{pid}\n", StringComparison.Ordinal));

    private static string Status(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/status");
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Returns a size that the system gives for a process, in bytes.</summary>
    private static long Memory(int pid, string label) =>
        1024 * long.Parse(Status(pid).Split('\n').Single(line => line.StartsWith(label, StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^2]);

    private static string Name(int pid) => Status(pid).Split('\n')[0].Split('\t')[^1];

    private static void AssertAddsUp(string database)
    {
        TraceQuery.AssertSound(database);
        Assert.AreEqual(0, TraceQuery.Single<long>(database, """
            SELECT count(*) FROM (
                SELECT snapshot, site, sum(bytes) AS bytes, sum(blocks) AS blocks FROM object_type GROUP BY snapshot, site
                EXCEPT SELECT snapshot, site, bytes, blocks FROM snapshot_site)
            """), "the types of a site are its live blocks");
    }

    private static RecordedRun Run(TemporaryFolder folder, Python python, string program, string[]? options = null, params string[] arguments) =>
        new(folder.File("t.db"), python, Alloctrace.ProgramFile(program), options ?? [], arguments);

    /// <summary>A program that <c>alloctrace run</c> records. It says when it is ready, and ends after a line of input.</summary>
    private sealed class RecordedRun : IDisposable
    {
        private readonly Process _run;

        public RecordedRun(string database, Python python, string program, string[] options, string[] arguments, params (string Name, string Value)[] environment)
        {
            Database = database;
            var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", database, .. options, "--", python.Path, program, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var (name, value) in environment)
                start.Environment[name] = value;

            _run = Process.Start(start)!;
            Assert.AreEqual("ready", _run.StandardOutput.ReadLine());
            Pid = (uint)ChildOf(_run.Id);
        }

        public int Collector => _run.Id;

        public string Database { get; }

        public uint Pid { get; }

        public string End(string line)
        {
            _run.StandardInput.WriteLine(line);
            var output = _run.StandardOutput.ReadToEnd();
            Assert.IsTrue(_run.WaitForExit(_timeout));
            Assert.AreEqual((0, ""), (_run.ExitCode, _run.StandardError.ReadToEnd()));
            return output;
        }

        public void Dispose()
        {
            if (!_run.HasExited)
                _run.Kill(entireProcessTree: true);

            _run.Dispose();
        }
    }
}
