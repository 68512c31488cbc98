using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests C programs that embed CPython in every way: hosts/host.c lists the words that they understand.</summary>
[TestClass]
public sealed class HostTests
{
    /// <summary>Python code that keeps 200 blocks of 5,033 bytes from a line that allocates nothing else.</summary>
    private const string Keep = """
        def keep(n, size):
            result = [None] * n
            for i in range(n):
                result[i] = b"x" * size
            return result
        kept = keep(200, 5000)
        """;

    private static readonly string _source = Path.Combine(AppContext.BaseDirectory, "hosts", "host.c");

    public static IEnumerable<object[]> Loadings =>
        from library in LibPython.Installed from how in (string[])["global", "local", "deepbind", "namespace"] select new object[] { library, how };

    [TestMethod]
    [DynamicData(nameof(Loadings))]
    public void Loaded_library_is_recorded_from_its_first_allocation(LibPython library, string how)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, library, [how, library.Path, "init", "run", Keep, "finalize"]);
        AssertKept(database, times: 1);
        Assert.AreEqual(("dlsym", 0L, "on"), TraceQuery.Single<(string, long, string)>(database, "SELECT found, initialized, stacks FROM runtime"));
        Assert.AreEqual("finalized", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"));
    }

    [TestMethod]
    [DynamicData(nameof(LibPython.Rows), typeof(LibPython))]
    public void Linked_library_is_recorded_from_its_first_allocation(LibPython library)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, library, ["linked", "init", "run", Keep, "finalize"], linked: true);
        AssertKept(database, times: 1);
        Assert.AreEqual(("load", 0L, "on"), TraceQuery.Single<(string, long, string)>(database, "SELECT found, initialized, stacks FROM runtime"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"));
    }

    [TestMethod]
    [DynamicData(nameof(Loadings))]
    public void Allocators_that_the_host_or_the_environment_chooses_are_hooked(LibPython library, string how)
    {
        using var folder = new TemporaryFolder();
        foreach (var value in (string[])["malloc", "malloc_debug", "pymalloc_debug"])
        {
            var database = Record(folder, library, [how, library.Path, "init", "run", Keep], variables: new() { ["PYTHONMALLOC"] = value });
            AssertKept(database, times: 1);
            AssertFewUnknown(database, value);
        }
    }

    /// <summary>The libraries that are where they were built for: an isolated CPython reads no PYTHONHOME.</summary>
    public static IEnumerable<object[]> AtHome => LibPython.Installed.Where(library => library.Launcher.Length == 0).Select(library => new object[] { library });

    [TestMethod]
    [DynamicData(nameof(AtHome))]
    public void Allocators_of_an_isolated_configuration_are_hooked_before_the_interpreter_is_made(LibPython library)
    {
        using var folder = new TemporaryFolder();
        foreach (var allocator in (string[])["3", "4", "5", "6"])
        {
            var database = Record(folder, library, ["linked", "allocator", allocator, "isolated", "run", Keep], linked: true);
            AssertKept(database, times: 1);
            AssertFewUnknown(database, allocator);
        }
    }

    [TestMethod]
    [DynamicData(nameof(LibPython.Rows), typeof(LibPython))]
    public void Interpreter_may_be_initialized_and_finalized_again_and_again(LibPython library)
    {
        using var folder = new TemporaryFolder();
        string[] cycle = ["init", "run", Keep, "finalize"];
        var database = Record(folder, library, ["linked", .. cycle, .. cycle, .. cycle, "init", "run", Keep], linked: true);
        AssertKept(database, times: 4);
        Assert.AreEqual("exited", TraceQuery.Single<string>(database, "SELECT ending FROM process"), "the last one was not finalized");
        Assert.AreEqual(200, TraceQuery.Single<long>(database, "SELECT sum(blocks) FROM live WHERE function = 'keep' AND lineno = 4"));
    }

    [TestMethod]
    [DynamicData(nameof(LibPython.Rows), typeof(LibPython))]
    public void Library_may_be_unloaded_and_loaded_again(LibPython library)
    {
        using var folder = new TemporaryFolder();
        string[] life = ["local", library.Path, "init", "run", Keep, "finalize", "unload"];
        var database = Record(folder, library, [.. life, .. life, .. life]);
        AssertKept(database, times: 3);
    }

    [TestMethod]
    public void Two_versions_in_one_process_have_each_their_own_stacks()
    {
        var libraries = LibPython.Installed.Where(library => library.Launcher.Length == 0).DistinctBy(library => library.Python.Minor).ToArray();
        if (libraries is not [var one, .., var other])
            throw new AssertInconclusiveException("needs two CPythons built as libraries");

        using var folder = new TemporaryFolder();
        string[] both = ["local", one.Path, "local", other.Path];
        string[] turns = [.. Enumerable.Range(0, 6).SelectMany(turn => (string[])["use", $"{turn % 2}", "run", Keep])];
        var homes = new Dictionary<string, string?> { ["PYTHONHOME"] = null };
        var database = Record(
            folder, one with { Home = one.Home }, [.. both, "use", "0", "init", "run", "import os", "setenv", "PYTHONHOME", other.Home, "use", "1", "init", .. turns], variables: homes);
        AssertKept(database, times: 6);
        CollectionAssert.AreEquivalent(
            new[] { one.Python.Version, other.Python.Version }, TraceQuery.Rows<string>(database, "SELECT version FROM runtime").Select(version => version.Split(' ')[0]).ToArray());
        Assert.AreEqual(2, TraceQuery.Single<long>(database, "SELECT count(*) FROM runtime WHERE stacks = 'on'"));
    }

    [TestMethod]
    [DataRow(new[] { "_exit", "7" }, 7, "exited")]
    [DataRow(new[] { "exit", "0" }, 0, "exited")]
    [DataRow(new[] { "abort" }, 134, "killed")]
    [DataRow(new[] { "kill" }, 137, "killed")]
    public void Host_may_end_in_any_way(string[] end, int exitCode, string ending)
    {
        var library = LibPython.Installed[0];
        using var folder = new TemporaryFolder();
        var database = Record(folder, library, ["global", library.Path, "init", "run", Keep, .. end], exitCode: exitCode);
        AssertKept(database, times: 1);
        Assert.AreEqual(ending, TraceQuery.Single<string>(database, "SELECT ending FROM process"));
        Assert.AreEqual(200, TraceQuery.Single<long>(database, "SELECT sum(blocks) FROM live WHERE function = 'keep' AND lineno = 4"));
    }

    [TestMethod]
    public void Host_may_clear_its_environment_close_what_it_did_not_open_and_fork()
    {
        var library = LibPython.Installed[0];
        using var folder = new TemporaryFolder();
        var database = Record(
            folder, library, ["local", library.Path, "clearenv", "closefds", "chdir", "/", "init", "run", Keep, "closefds", "fork", "run", Keep, "fork", "run", Keep, "_exit", "5"], exitCode: 5);
        AssertKept(database, times: 3);
        Assert.AreEqual(3, TraceQuery.Single<long>(database, "SELECT count(*) FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT sum(unknown_frees) FROM process"));
    }

    [TestMethod]
    public void Host_may_become_a_daemon_before_or_after_it_starts_Python()
    {
        var library = LibPython.Installed[0];
        string[] start = ["local", library.Path, "init", "run", Keep];
        foreach (var words in (string[][])[["daemonise", .. start], [.. start, "daemonise", "run", "pass"]])
        {
            using var folder = new TemporaryFolder();
            var database = Record(folder, library, words);
            AssertKept(database, times: 1);
        }
    }

    /// <summary>Runs the host with the variables alone. The collector that it starts writes the database.</summary>
    private static string Record(
        TemporaryFolder folder, LibPython library, string[] words, bool linked = false, int exitCode = 0, Dictionary<string, string?>? variables = null)
    {
        var program = folder.File(linked ? "linked" : "host");
        var database = folder.File($"trace-{Guid.NewGuid():N}.db");
        if (!File.Exists(program))
            Build(program, linked ? library : null);

        Dictionary<string, string?> environment = new(variables ?? []) { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = database };
        var result = library.Run(program, words, environment);
        Assert.AreEqual("", result.Error);
        Assert.AreEqual(exitCode, result.ExitCode);
        HostDatabase.Await(database);
        return database;
    }

    private static void Build(string program, LibPython? linked)
    {
        string[] link = linked is null ? [] : ["-DLINKED", linked.Path, $"-Wl,-rpath,{Path.GetDirectoryName(linked.Path)}", "-Wl,--unresolved-symbols=ignore-in-shared-libs"];
        Command.Run("cc", ["-std=gnu11", "-O1", "-w", _source, .. link, "-ldl", "-o", program]).Succeeded();
    }

    /// <summary>
    /// Requires few unknown blocks: those that CPython allocates between the replacement of its allocators and its next call of getenv.
    /// </summary>
    private static void AssertFewUnknown(string database, string what) =>
        Assert.IsLessThanOrEqualTo(2, TraceQuery.Single<long>(database, "SELECT unknown_frees FROM process"), what);

    private static void AssertKept(string database, int times)
    {
        Assert.AreEqual(
            (200L * times, 200L * times * 5033),
            TraceQuery.Single<(long, long)>(database, "SELECT sum(allocated_blocks), sum(allocated_bytes) FROM site_frame WHERE function = 'keep' AND lineno = 4 AND domain_name = 'obj'"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
    }
}
