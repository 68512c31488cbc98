using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Sets limits of the system for the traced program: it continues as it does alone, and losses are reported.</summary>
[TestClass]
public sealed class LimitTests
{
    private static readonly string _program = Alloctrace.ProgramFile("limited.py");

    private static readonly string _python = Python.Default.Path;

    [TestMethod]
    [DataRow(100_000)]
    [DataRow(3_000_000)]
    [DataRow(20_000_000)]
    public void No_memory_while_it_records(int more)
    {
        using var folder = new TemporaryFolder();
        var result = Record(folder, [_python, "-S", _program, "memory", $"{more}"]);
        Assert.AreEqual((0, "memory 100\n", ""), (result.ExitCode, result.Output, result.Error));
        AssertAddsUp(folder.File("t.db"));
    }

    [TestMethod]
    public void No_memory_to_begin_with()
    {
        using var folder = new TemporaryFolder();
        var result = Command.Run(_python, ["-S", _program, "late", Alloctrace.Library, folder.Path]).Succeeded();
        Assert.AreEqual("late 11\n", result.Output);
        StringAssert.Contains(result.Error, "recorded");
        StringAssert.Contains(result.Error, "no memory");
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);
        Assert.IsEmpty(folder.Files("*"));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(65_536)]
    [DataRow(1_000_000)]
    [DataRow(1_400_000)]
    [DataRow(2_000_000)]
    public void Limit_on_the_size_of_files(int bytes)
    {
        using var folder = new TemporaryFolder();
        var result = Record(folder, ["prlimit", $"--fsize={bytes}", "env", "-i", $"LD_PRELOAD={Alloctrace.Library}", "sh", "-c", "true"]);
        Assert.AreEqual(0, result.ExitCode, result.Error); // a program without Python is not disturbed either

        result = Record(folder, ["prlimit", $"--fsize={bytes}", _python, "-S", _program, "stacks", "3000"]);
        Assert.AreEqual((0, "stacks 3000\n"), (result.ExitCode, result.Output), result.Error);
        if (!File.Exists(folder.File("t.db")))
            StringAssert.Contains(result.Error, "larger than the limit on files (ulimit -f)");
        else
            AssertAddsUp(folder.File("t.db"));
    }

    [TestMethod]
    public void Program_with_few_descriptors_is_recorded()
    {
        using var folder = new TemporaryFolder();
        var result = Record(folder, ["prlimit", "--nofile=8", _python, "-S", _program, "stacks", "1000"]);
        Assert.AreEqual((0, "stacks 1000\n", ""), (result.ExitCode, result.Output, result.Error));
        AssertWhole(folder.File("t.db"), "descend", 1000);
    }

    /// <summary>Prevents the start of the collector: the session waits, and the program says so when it ends.</summary>
    [TestMethod]
    public void No_more_processes()
    {
        OtherUser.Require();
        using var folder = new TemporaryFolder();
        OtherUser.Give(folder.Path);
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.File("t.db") };
        var result = OtherUser.Run(environment, "prlimit", "--nproc=1", OtherUser.Python, "-S", _program, "stacks", "100");
        Assert.AreEqual((0, "stacks 100\n"), (result.ExitCode, result.Output), result.Error);
        StringAssert.Contains(result.Error, "the collector cannot be started");
        Alloctrace.Run("collect", "-q", "-o", folder.File("t.db"), folder.Path).Succeeded();
        AssertWhole(folder.File("t.db"), "descend", 100);
    }

    [TestMethod]
    public void Killed_for_want_of_memory()
    {
        var (group, limit) = MakeMemoryGroup();
        using var folder = new TemporaryFolder();
        try
        {
            const string script = "echo 60000000 > \"$0\"; echo $$ > \"${0%/*}/cgroup.procs\"; exec \"$@\"";
            const string source = "kept = []\nwhile True:\n kept.append(bytes(10_000))";
            var result = Record(folder, ["sh", "-c", script, limit, _python, "-S", "-c", source]);
            Assert.AreEqual(128 + 9, result.ExitCode, result.Error);
            var database = folder.File("t.db");
            Assert.AreEqual("killed", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
            Assert.IsGreaterThan(30_000_000, TraceQuery.Single<long>(database, "SELECT bytes FROM snapshot WHERE kind = 'live'"));
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
            AssertAddsUp(database);
        }
        finally
        {
            while (Command.Run("rmdir", [group]) is { ExitCode: not 0 } && Directory.Exists(group))
                Thread.Sleep(10); // the killed process may not be gone quite yet
        }
    }

    /// <summary>
    /// Makes a cgroup, and returns it with the file of its limit, of version 1 or 2. In version 2 the parent must delegate memory.
    /// </summary>
    private static (string Group, string Limit) MakeMemoryGroup()
    {
        foreach (var (hierarchy, file) in (ReadOnlySpan<(string, string)>)[("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")])
        {
            var group = Path.Combine(hierarchy, $"alloctrace-test-{Environment.ProcessId}");
            if (!File.Exists(Path.Combine(hierarchy, "cgroup.procs")) || Command.Run("mkdir", [group]).ExitCode != 0)
                continue;

            if (File.Exists(Path.Combine(group, file)))
                return (group, Path.Combine(group, file));

            Command.Run("rmdir", [group]);
        }

        throw new AssertInconclusiveException("this needs a memory cgroup that may be made");
    }

    /// <summary>Interrupts the reservation of space by the signals of a profiler's timer.</summary>
    [TestMethod]
    public void Reservations_of_space_are_repeated_when_signals_interrupt_them()
    {
        using var folder = new TemporaryFolder();
        var result = Record(folder, [_python, "-S", _program, "stacks", "3000"], "interrupt");
        Assert.AreEqual((0, "stacks 3000\n", ""), (result.ExitCode, result.Output, result.Error));
        AssertWhole(folder.File("t.db"), "descend", 3000);
    }

    [TestMethod]
    public void Clock_that_goes_back()
    {
        using var folder = new TemporaryFolder();
        Record(folder, [_python, "-S", _program, "forks", "3"], "clock").Succeeded();
        var database = folder.File("t.db");
        AssertWhole(database, "forks", 30);
        Assert.AreEqual(4, TraceQuery.Single<long>(database, "SELECT count(*) FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT sum(unknown_frees) FROM process"));
        foreach (var verb in (string[])["summary", "timeline", "leaks", "top"])
            Alloctrace.Run(verb, database).Succeeded();
    }

    /// <summary>Requires that a message to a pipe without a reader raises no signal.</summary>
    [TestMethod]
    public void Message_that_nobody_can_read()
    {
        using var folder = new TemporaryFolder();
        const string launcher = """
            import os, subprocess, sys
            reader, writer = os.pipe()
            os.close(reader)
            print(subprocess.run(sys.argv[1:], stderr=writer, env=dict(os.environ, LD_PRELOAD=os.environ["LIBRARY"], ALLOCTRACE_OPTIONS="frames=many")).returncode)
            """;
        var environment = new Dictionary<string, string?> { ["LIBRARY"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path };
        Assert.AreEqual("0\n", Command.Run(_python, ["-c", launcher, _python, "-S", "-c", "1"], environment: environment).Succeeded().Output);
    }

    private static CommandResult Record(TemporaryFolder folder, string[] command, string? faults = null)
    {
        var environment = faults is null ? [] : new Dictionary<string, string?> { ["LD_PRELOAD"] = TestLibrary.Faults, ["FAULTS"] = faults };
        return Command.Run(Alloctrace.Program, ["run", "-q", "-f", "-o", folder.File("t.db"), "--", .. command], environment: environment);
    }

    /// <summary>Requires that losses are missing everywhere: the figures by call and by site are equal.</summary>
    private static void AssertAddsUp(string database)
    {
        Assert.AreEqual(
            TraceQuery.Single<long>(database, "SELECT sum(bytes) FROM operation WHERE kind <> 'free'"), TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes) FROM site"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM site WHERE freed_bytes > allocated_bytes OR freed_blocks > allocated_blocks"));
    }

    /// <summary>
    /// Requires that nothing is missing, and that a function allocated exactly as many of its blocks (of 100 or 6000 bytes and a header) as
    /// it says.
    /// </summary>
    private static void AssertWhole(string database, string function, int blocks)
    {
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual(blocks, TraceQuery.Single<long>(
            database,
            $"SELECT sum(allocated_blocks) FROM site_frame WHERE function LIKE '{function}%' AND allocated_bytes / allocated_blocks IN (133, 6033)"));
    }
}
