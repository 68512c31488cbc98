using System.Diagnostics;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests processes in pid and time namespaces of their own, as in containers, whose pids and times are not the collector's.
/// </summary>
[TestClass]
public sealed class NamespaceTests
{
    private const string Kept = "SELECT coalesce(sum(allocated_blocks), 0) FROM site_frame WHERE function = 'keep'";
    private const int Blocks = 20;

    /// <summary>A program that allocates for half a second, so that a collector that takes it for dead misses something.</summary>
    private static readonly string _program = $"import time\ndef keep(): return bytes(5000)\nkept = []\nfor i in range({Blocks}): kept.append(keep()); time.sleep(0.025)\n";

    [TestMethod]
    [DataRow("unshare --pid --fork --mount-proc")]
    [DataRow("unshare --pid --fork")]
    [DataRow("unshare --time --boottime 100000 --monotonic 5000 --fork")]
    [DataRow("unshare --time --boottime 100000 --pid --fork --mount-proc")]
    [DataRow("bwrap --bind / / --dev-bind /dev /dev --unshare-pid --proc /proc")]
    [DataRow("bwrap --bind / / --dev-bind /dev /dev --unshare-pid --tmpfs /proc")]
    public void Run_records_a_process_to_its_end(string container)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, [.. InContainer(container), Python.Default.Path, "-c", _program]);
        Assert.AreEqual(Blocks, TraceQuery.Single<long>(database, Kept));
        Assert.AreEqual(("finalized", 0L), TraceQuery.Single<(string, long)>(database, "SELECT ending, (SELECT count(*) FROM loss) FROM process"));

        // On the process's own clock. One that is 5,000 s off would make slices that long.
        Assert.IsInRange(400_000_000L, 30_000_000_000L, TraceQuery.Single<long>(database, "SELECT max(end_ns) FROM slice"));
    }

    /// <summary>Collects from a namespace above the program's, and from another one beside it.</summary>
    [TestMethod]
    [DataRow("", false)]
    [DataRow("", true)]
    [DataRow("unshare --pid --fork --mount-proc", false)]
    [DataRow("unshare --pid --fork --mount-proc", true)]
    public void Collect_follows_a_process_of_another_namespace_until_it_ends_or_is_killed(string collectors, bool isKilled)
    {
        var container = InContainer("unshare --pid --kill-child --fork --mount-proc");
        using var folder = new TemporaryFolder();
        var (sessions, database) = (folder.File("sessions"), folder.File("t.db"));
        Directory.CreateDirectory(sessions);
        string[] collect = [.. InContainer(collectors), Alloctrace.Program, "collect", "-q", "-o", database, sessions];
        using var program = Start([.. container, Python.Default.Path, "-c", $"{_program}print('done', flush=True); {(isKilled ? "time.sleep(600)" : "")}"], new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = sessions });
        SpinWait.SpinUntil(() => Directory.GetFiles(sessions).Length > 0, TimeSpan.FromSeconds(30));
        using var collector = Start(collect, []);
        Assert.AreEqual("done", program.StandardOutput.ReadLine());
        Assert.IsFalse(collector.WaitForExit(isKilled ? 200 : 0), "while the program runs");
        if (isKilled)
            program.Kill();

        Assert.IsTrue(collector.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual((0, ""), (collector.ExitCode, collector.StandardError.ReadToEnd()));
        Assert.AreEqual(Blocks, TraceQuery.Single<long>(database, Kept));
        Assert.AreEqual(isKilled ? "killed" : "finalized", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
        Assert.IsEmpty(Directory.GetFiles(sessions));
    }

    [TestMethod]
    public void Second_collector_of_another_namespace_is_refused()
    {
        var container = InContainer("unshare --pid --kill-child --fork --mount-proc");
        using var folder = new TemporaryFolder();
        var sessions = folder.File("sessions");
        Directory.CreateDirectory(sessions);
        using var program = Start([Python.Default.Path, "-c", "import time; print('ready', flush=True); time.sleep(600)"], new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = sessions });
        Assert.AreEqual("ready", program.StandardOutput.ReadLine());
        using var first = Start([.. container, Alloctrace.Program, "collect", "-q", "-o", folder.File("first.db"), sessions], []);
        SpinWait.SpinUntil(() => Alloctrace.Run("snapshot", $"{program.Id}", "now").ExitCode == 0, TimeSpan.FromSeconds(30));
        var second = Alloctrace.Run("collect", "-o", folder.File("second.db"), sessions);
        Assert.AreEqual(1, second.ExitCode);
        StringAssert.Contains(second.Error, "is already collecting it");
        program.Kill();
        Assert.IsTrue(first.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual("now", TraceQuery.Single<string>(folder.File("first.db"), "SELECT name FROM snapshot WHERE kind = 'named'"), "the one request of the two outside");
    }

    [TestMethod]
    public void Live_shows_a_process_of_another_namespace()
    {
        var container = InContainer("unshare --pid --kill-child --fork --mount-proc");
        using var folder = new TemporaryFolder();
        using var run = Start([Alloctrace.Program, "run", "-q", "-o", folder.File("t.db"), "--", .. container, Python.Default.Path, "-c", $"{_program}print('ready', flush=True); input()"], []);
        Assert.AreEqual("ready", run.StandardOutput.ReadLine());
        var live = Alloctrace.Run("live", $"{Descendant(run.Id)}", "--once").Succeeded().Output;
        StringAssert.Contains(live, "<string>");
        run.StandardInput.WriteLine();
        Assert.IsTrue(run.WaitForExit(TimeSpan.FromSeconds(60)));
    }

    [TestMethod]
    public void Program_with_a_shared_memory_of_its_own_says_why_it_is_not_recorded()
    {
        var container = InContainer("bwrap --bind / / --dev /dev --proc /proc");
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run(["run", "-o", folder.File("t.db"), "--", .. container, Python.Default.Path, "-c", "print('ran')"]);
        Assert.AreEqual((0, "ran\n"), (result.ExitCode, result.Output));
        StringAssert.Contains(result.Error, "this process does not see its folder. In a sandbox or container with a /dev/shm of its own, share that");
    }

    /// <summary>The process sees another /tmp and not the folder of the command: neither the library nor the database's folder.</summary>
    [TestMethod]
    [DataRow(11, false, "detach")]
    [DataRow(11, true, "end")]
    [DataRow(14, false, "Ctrl-C")]
    public void Attach_carries_the_library_into_a_container(int minor, bool isOtherUsers, string ending)
    {
        var container = InContainer($"bwrap --bind / / --dev-bind /dev /dev --unshare-pid --proc /proc --tmpfs {Path.GetDirectoryName(Alloctrace.Library)} --perms 1777 --tmpfs /tmp");
        var python = Python.Installed.FirstOrDefault(python => python.Minor == minor)?.Path ?? throw new AssertInconclusiveException($"no CPython 3.{minor}");
        if (isOtherUsers)
        {
            OtherUser.Require();
            (container, python) = ([.. container, .. OtherUser.Prefix], OtherUser.Python);
        }

        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        using var program = Start([.. container, python, "-c", File.ReadAllText(Alloctrace.ProgramFile("attached.py"))], []);
        Assert.AreEqual("ready", program.StandardOutput.ReadLine());
        var pid = Descendant(program.Id);
        using var attach = Start([Alloctrace.Program, "attach", $"{pid}", "-o", database], []);
        StringAssert.Contains(attach.StandardError.ReadLine() ?? "", $"process {pid} is being recorded in its container");
        Assert.AreEqual("300", Work());
        var carried = Directory.GetDirectories($"/proc/{pid}/root/tmp").Single();
        CollectionAssert.AreEqual(new[] { Path.Combine(carried, "sessions") }, Directory.GetFileSystemEntries(carried), "the library is removed");

        if (ending == "end")
            program.StandardInput.WriteLine("end");
        else if (ending == "detach")
            Alloctrace.Run("detach", $"{pid}").Succeeded();
        else
            Command.Run("kill", ["-INT", $"{attach.Id}"]).Succeeded();

        Assert.IsTrue(attach.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual((0, $"alloctrace: recorded in {database}\n"), (attach.ExitCode, attach.StandardError.ReadToEnd()));
        if (ending != "end")
        {
            Assert.IsEmpty(Directory.GetFileSystemEntries($"/proc/{pid}/root/tmp"), "and the sessions, too");
            Assert.AreEqual("600", Work(), "the program continues");
            program.StandardInput.WriteLine("end");
        }

        Assert.IsTrue(program.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual((0, ""), (program.ExitCode, program.StandardError.ReadToEnd()));
        Assert.AreEqual((300L, ending == "end" ? "finalized" : "stopped"), TraceQuery.Single<(long, string)>(database, "SELECT sum(allocated_blocks), (SELECT ending FROM process) FROM site_frame WHERE function = 'keep' AND lineno = 12 AND domain_name = 'obj'"));

        string? Work()
        {
            program.StandardInput.WriteLine("work");
            return program.StandardOutput.ReadLine();
        }
    }

    /// <summary>The words of a command that starts another in namespaces of its own; the test is skipped where that is not allowed.</summary>
    private static string[] InContainer(string command)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 0 && (!File.Exists($"/usr/bin/{words[0]}") || Command.Run(words[0], [.. words[1..], "true"]).ExitCode != 0))
            Assert.Inconclusive($"not possible here: {command}");

        return words;
    }

    private static Process Start(string[] command, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        return Process.Start(start)!;
    }

    /// <summary>Returns the last process of a chain of only children.</summary>
    private static int Descendant(int pid)
    {
        while (Command.Run("pgrep", ["-P", $"{pid}"]).Output.Trim() is { Length: > 0 } child)
            pid = int.Parse(child.Split('\n')[0]);

        return pid;
    }
}
