using System.Diagnostics;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Recordings of processes that run already: <c>attach</c> and <c>detach</c>, by gdb up to 3.13 and by PEP 768 from 3.14 on.</summary>
[TestClass]
public sealed class AttachTests
{
    private const string Kept = "SELECT sum(allocated_blocks), sum(allocated_bytes) FROM site_frame WHERE function = 'keep' AND lineno = 12 AND domain_name = 'obj'";
    private const string Nobody = "65534";

    /// <summary>Runs no Python code until it is killed.</summary>
    private static readonly string[] _idle = ["-c", "import time; print('ready', flush=True); time.sleep(600)"];

    /// <summary>One that gdb is for, and one that has PEP 768, as far as they are there.</summary>
    private static IEnumerable<Python> OneOfEach => OneOfEachOf(Python.Installed);

    private static IEnumerable<object[]> OneOfEachRow => OneOfEach.Select(python => new object[] { python });

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Process_is_recorded_from_attach_to_detach_and_runs_on(Python python)
    {
        using var folder = new TemporaryFolder();
        var (first, second) = (folder.File("first.db"), folder.File("second.db"));
        using var program = Start(python, Alloctrace.ProgramFile("attached.py"));
        var pid = program.Id.ToString();
        var said = "";
        Assert.AreEqual("300", Work(program), "not recorded");

        said += Alloctrace.Run("attach", pid, "-o", first).Succeeded().Error;
        Assert.AreEqual("600", Work(program));
        said += Fails(Alloctrace.Run("attach", pid, "-o", second), $"process {pid} is already being recorded");
        Assert.AreEqual("900", Work(program));
        said += Alloctrace.Run("detach", pid).Succeeded().Error;
        Assert.IsTrue(File.Exists(first), "complete, so it is there");
        Assert.AreEqual("1200", Work(program), "not recorded");
        said += Fails(Alloctrace.Run("detach", pid), $"process {pid} is not being recorded");
        Expectation.Verify("Attach/Messages", said.Replace(folder.Path, "FOLDER").Replace(pid, "PID"));

        // And again; this time the program's end completes it.
        Alloctrace.Run("attach", pid, "-o", second).Succeeded();
        Assert.AreEqual("1500", Work(program));
        program.StandardInput.WriteLine("end");
        Assert.AreEqual("ended with 7500000", program.StandardOutput.ReadLine());
        Assert.AreEqual((0, ""), (EndOf(program), program.StandardError.ReadToEnd()));
        HostDatabase.Await(second);

        var block = long.Parse(python.Run(["-c", "import sys; print(sys.getsizeof(bytes(5000)))"]).Succeeded().Output); // more without the GIL
        Assert.AreEqual((600L, 600 * block), TraceQuery.Single<(long, long)>(first, Kept));
        Assert.AreEqual((300L, 300 * block), TraceQuery.Single<(long, long)>(second, Kept));
        Assert.AreEqual(("start", 1L, "on", "stopped"), TraceQuery.Single<(string, long, string, string)>(first, "SELECT found, initialized, runtime.stacks, ending FROM runtime JOIN process ON process = process.id"));
        Assert.AreEqual("finalized", TraceQuery.Single<string>(second, "SELECT ending FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(first, "SELECT count(*) FROM loss"));
        Assert.HasCount(2, folder.Files("*"));
    }

    [TestMethod]
    [DynamicData(nameof(OneOfEachRow))]
    public void Recording_has_the_options_that_attach_was_given(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        using var program = Start(python, Alloctrace.ProgramFile("attached.py"), TestLibrary.CHeap);
        Alloctrace.Run("attach", $"{program.Id}", "-o", database, "--native", "malloc", "--domains", "obj", "--frames", "1").Succeeded();
        Assert.AreEqual("300", Work(program));
        program.StandardInput.WriteLine("C");
        Assert.AreEqual("300", program.StandardOutput.ReadLine());
        Alloctrace.Run("detach", $"{program.Id}").Succeeded();
        program.StandardInput.WriteLine("end");
        Assert.AreEqual(0, EndOf(program));

        Assert.AreEqual((200L, 1_000_000L), TraceQuery.Single<(long, long)>(database, "SELECT sum(allocated_blocks), sum(allocated_bytes) FROM site_frame WHERE function = 'keep_in_c' AND domain_name = 'malloc'"));
        Assert.AreEqual(300L, TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function = 'keep' AND domain_name = 'obj' AND allocated_bytes > 5000 * allocated_blocks"));
        Assert.AreEqual(0L, TraceQuery.Single<long>(database, "SELECT count(*) FROM site_frame WHERE domain_name IN ('raw', 'mem')"), "not hooked");
        Assert.AreEqual(0L, TraceQuery.Single<long>(database, "SELECT count(*) FROM stack WHERE depth > 1"), "one frame of each stack");
    }

    [TestMethod]
    public void Process_that_runs_no_Python_code_is_left_as_it_was()
    {
        foreach (var python in OneOfEach)
        {
            using var folder = new TemporaryFolder();
            using var program = Start(python, _idle);
            Fails(Alloctrace.Run("attach", $"{program.Id}", "--timeout", "1", "-o", folder.File("t.db")), $"process {program.Id} ran no Python code within 1 s: it waits, or runs native code or a loop without calls. Nothing was changed. Give it something to do (a request, a line of input) while 'alloctrace attach {program.Id}' waits, or wait longer with --timeout SECONDS");
            Assert.IsFalse(program.HasExited);
            Assert.DoesNotContain("liballoctrace", File.ReadAllText($"/proc/{program.Id}/maps"));
            Assert.DoesNotContain("T (stopped)", File.ReadAllText($"/proc/{program.Id}/status"));
            Assert.IsEmpty(folder.Files("*"));
            Kill(program);
        }
    }

    [TestMethod]
    public void Withdrawn_request_is_not_carried_out_when_the_process_runs_Python_code_again()
    {
        foreach (var python in OneOfEach)
        {
            using var folder = new TemporaryFolder();
            const string source = "import sys; print('ready', flush=True); sys.stdin.readline(); kept = [bytes(5000) for _ in range(300)]; print(len(kept))";
            using var program = Start(python, "-c", source);
            Assert.AreEqual(1, Alloctrace.Run("attach", $"{program.Id}", "--timeout", "1", "-o", folder.File("t.db")).ExitCode);
            program.StandardInput.WriteLine();
            Assert.AreEqual("300", program.StandardOutput.ReadLine());
            Assert.AreEqual((0, ""), (EndOf(program), program.StandardError.ReadToEnd()));
            Assert.IsEmpty(folder.Files("*"));
        }
    }

    [TestMethod]
    public void What_cannot_be_attached_to_gets_a_line_that_says_why()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var said = Fails(Alloctrace.Run("attach", "4194303", "-o", database), "there is no process 4194303");
        using var other = Process.Start(new ProcessStartInfo("sleep", "600"))!;
        said += Fails(Alloctrace.Run("attach", $"{other.Id}", "-o", database), $"process {other.Id} runs no Python that exports its functions");
        said += Fails(Alloctrace.Run("detach", $"{other.Id}"), $"process {other.Id} is not being recorded");
        Kill(other);
        var refused = new HashSet<string>();

        foreach (var python in OneOfEach)
        {
            using var program = Start(python, _idle);
            refused.Add(Fails(Alloctrace.Run("attach", $"{program.Id}", "-o", folder.File("none/t.db")), "does not exist"));
            File.WriteAllText(database, "");
            refused.Add(Fails(Alloctrace.Run("attach", $"{program.Id}", "-o", database), "exists"));
            File.Delete(database);
            Kill(program);
        }

        Expectation.Verify("Attach/Refused", (said + string.Concat(refused)).Replace(folder.Path, "FOLDER").Replace($"process {other.Id}", "process PID"));
    }

    [TestMethod]
    public void Older_Python_without_gdb_or_with_another_debugger_is_refused()
    {
        var python = Python.Installed.First(python => python.Minor < 14);
        using var folder = new TemporaryFolder();
        using var program = Start(python, _idle);
        var without = Command.Run(Alloctrace.Program, ["attach", $"{program.Id}", "-o", folder.File("t.db")], environment: new() { ["PATH"] = folder.Path });
        Fails(without, "attaching needs gdb: install gdb");

        using var gdb = Process.Start(new ProcessStartInfo("gdb", ["-q", "-nx", "-p", $"{program.Id}"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        gdb.StandardInput.WriteLine("echo attached\\n");
        while (gdb.StandardOutput.ReadLine() is { } line && !line.EndsWith("attached", StringComparison.Ordinal))
        {
        }

        Fails(Alloctrace.Run("attach", $"{program.Id}", "-o", folder.File("t.db")), $"is already being traced by process {gdb.Id}");
        gdb.StandardInput.Close();
        gdb.WaitForExit();
        Kill(program);
    }

    [TestMethod]
    public void Newer_Python_that_forbids_remote_debugging_is_refused()
    {
        var python = Python.Installed.FirstOrDefault(python => python.Minor >= 14) ?? throw new AssertInconclusiveException("no CPython from 3.14 on");
        using var folder = new TemporaryFolder();
        using var program = Start(python, ["-X", "disable-remote-debug", .. _idle]);
        Fails(Alloctrace.Run("attach", $"{program.Id}", "-o", folder.File("t.db")), "was started with remote debugging disabled");
        Kill(program);
    }

    [TestMethod]
    public void Root_attaches_to_other_users_and_other_users_do_not_attach_to_root()
    {
        if (Environment.UserName != "root")
            Assert.Inconclusive("needs root");

        foreach (var python in OneOfEachOf(Python.Installed.Where(python => RunAs(Nobody, python.Path, "-S", "-c", "").ExitCode == 0)))
        {
            using var folder = new TemporaryFolder(); // 0700: root's
            using var program = StartAs(Nobody, python.Path, "-c", "import sys; print('ready', flush=True); list(map(bytes, iter(lambda: 100, 1)))");
            var inaccessible = RunAs(Nobody, "test", "-r", Alloctrace.Library).ExitCode != 0;
            var refused = Alloctrace.Run("attach", $"{program.Id}", "-o", folder.File("t.db"));
            Fails(refused, inaccessible ? "cannot read" : $"Let the process's user (uid {Nobody}) write there");
            if (!inaccessible)
            {
                File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_111_111);
                Alloctrace.Run("attach", $"{program.Id}", "-o", folder.File("t.db")).Succeeded();
                Alloctrace.Run("detach", $"{program.Id}").Succeeded();
                Assert.AreEqual(Nobody, Command.Run("stat", ["-c", "%u", folder.File("t.db")]).Output.Trim(), "it is the user's");
                Assert.IsGreaterThan(0, TraceQuery.Single<long>(folder.File("t.db"), "SELECT count(*) FROM site"));
                using var roots = Start(python, _idle);
                Fails(RunAs(Nobody, Alloctrace.Program, "attach", $"{roots.Id}", "-o", folder.File("u.db")), "it belongs to another user (uid 0)");
                Kill(roots);
            }

            Kill(program);
        }
    }

    private static IEnumerable<Python> OneOfEachOf(IEnumerable<Python> pythons) => pythons.DistinctBy(python => python.Minor >= 14);

    private static CommandResult RunAs(string user, params string[] command) => Command.Run("setpriv", ["--reuid", user, "--clear-groups", .. command], environment: new() { ["HOME"] = "/" });

    private static Process Start(Python python, params string[] arguments) => StartProgram(python.Path, arguments);

    private static Process StartAs(string user, params string[] command) => StartProgram("setpriv", ["--reuid", user, "--clear-groups", .. command]);

    private static Process StartProgram(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        Assert.AreEqual("ready", process.StandardOutput.ReadLine());
        return process;
    }

    private static string? Work(Process program)
    {
        program.StandardInput.WriteLine("work");
        return program.StandardOutput.ReadLine();
    }

    private static void Kill(Process program)
    {
        program.Kill();
        program.WaitForExit();
    }

    private static int EndOf(Process program)
    {
        Assert.IsTrue(program.WaitForExit(TimeSpan.FromMinutes(1)));
        return program.ExitCode;
    }

    private static string Fails(CommandResult result, string says)
    {
        Assert.AreEqual((1, ""), (result.ExitCode, result.Output), result.Error);
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);
        StringAssert.Contains(result.Error, says);
        return result.Error;
    }
}
