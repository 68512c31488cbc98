using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Runs programs that the library does not fit as children of a recorded one: they run as they do alone.</summary>
[TestClass]
public sealed class UnfitChildTests
{
    private const string Starter = "import subprocess, sys; print(subprocess.call(sys.argv[1:]), flush=True)";

    /// <summary>A program that calls every function that the library exports in place of the C library's.</summary>
    private static readonly string _child = Path.Combine(AppContext.BaseDirectory, "hosts", "child.c");

    /// <summary>The interpreter itself: a script that starts it would start other programs, too.</summary>
    private static readonly string _python = Python.Default.Run(["-c", "import sys; print(sys.executable)"]).Succeeded().Output.TrimEnd();

    private static readonly string _filtered = Path.Combine(AppContext.BaseDirectory, "hosts", "filtered.c");

    [TestMethod]
    [DataRow("musl-gcc", "-O1")]
    [DataRow("cc", "-fsanitize=address")]
    [DataRow("cc", "-fsanitize=undefined")]
    [DataRow("cc", "-static")]
    public void Child_runs_as_it_does_without_us(string compiler, string option)
    {
        using var folder = new TemporaryFolder();
        var program = folder.File("child");
        if (Command.Run("sh", ["-c", "command -v $1", "sh", compiler]).ExitCode != 0)
            Assert.Inconclusive($"no {compiler}");
        Command.Run(compiler, ["-g", "-w", option, _child, "-o", program]).Succeeded();
        var alone = Command.Run(program, []);
        var recorded = Alloctrace.Run("run", "-q", "-o", folder.File("trace.db"), "--", _python, "-c", Starter, program).Succeeded();
        Assert.AreEqual(7, alone.ExitCode, alone.Error);
        Assert.AreEqual((alone.Output + "7\n", ""), (recorded.Output, recorded.Error));
    }

    /// <summary>Refuses system calls: the program does the same as alone, and is recorded, or a line says that it is not.</summary>
    [TestMethod]
    [DataRow("")]
    [DataRow("clock_nanosleep flock getrandom gettid kill membarrier prctl prlimit64 process_vm_readv sched_yield sigaltstack tgkill unlink")]
    [DataRow("rt_sigpending rt_sigprocmask")]
    [DataRow("madvise")]
    [DataRow("fallocate")]
    public void Program_whose_system_calls_are_refused_is_unharmed(string refused)
    {
        using var folder = new TemporaryFolder();
        var filtered = folder.File("filtered");
        Command.Run("cc", ["-O1", "-w", _filtered, "-o", filtered]).Succeeded();
        string[] command = [.. refused.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--", _python, Alloctrace.ProgramFile("filtered.py")];
        var alone = Command.Run(filtered, command);
        if (alone.ExitCode == 99)
            Assert.Inconclusive("no seccomp filters here");
        Assert.AreEqual("1000 blocks, child 0\n", alone.Output, alone.Error);

        var recorded = Command.Run(filtered, command, environment: new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path, ["ALLOCTRACE_OPTIONS"] = "crash=on" });
        Assert.AreEqual((0, alone.Output), (recorded.ExitCode, recorded.Output), recorded.Error);
        if (folder.Files("*.alloctrace").Length == 0)
            StringAssert.Matches(recorded.Error, new("^alloctrace: (cannot record: the system refused madvise|nothing is recorded: .*: Operation not permitted).*\n$"));
        else
            Assert.AreEqual("", recorded.Error);
    }

    [TestMethod]
    public void Collector_that_may_not_be_started_is_told()
    {
        using var folder = new TemporaryFolder();
        var filtered = folder.File("filtered");
        Command.Run("cc", ["-O1", "-w", _filtered, "-o", filtered]).Succeeded();
        var recorded = Command.Run(
            filtered, ["clone", "--", _python, "-c", "print('done')"], environment: new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.File("trace.db") });
        if (recorded.ExitCode == 99)
            Assert.Inconclusive("no seccomp filters here");
        Assert.AreEqual((0, "done\n"), (recorded.ExitCode, recorded.Output), recorded.Error);
        StringAssert.StartsWith(recorded.Error, "alloctrace: the collector cannot be started: Operation not permitted; sessions are left for 'alloctrace collect'\n");
        Assert.HasCount(1, folder.Files("*.alloctrace"));
    }
}
