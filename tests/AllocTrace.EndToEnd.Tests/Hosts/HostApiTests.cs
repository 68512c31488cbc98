using System.Diagnostics;
using System.Text.RegularExpressions;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests recordings that a program starts itself: by alloctrace.h, and in .NET.</summary>
[TestClass]
public sealed class HostApiTests
{
    private const string Kept = "SELECT sum(allocated_blocks), sum(allocated_bytes) FROM site_frame WHERE function = 'keep' AND domain_name = 'obj' AND lineno = ";

    private static readonly string _late = Alloctrace.ProgramFile("late_start.py");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Running_interpreter_is_recorded_from_where_it_is_until_it_is_told_to_stop(Python python)
    {
        using var folder = new TemporaryFolder();
        var (first, second) = (folder.File("first.db"), folder.File("second.db"));
        var result = python.Run([_late, Alloctrace.Library, first, second]).Succeeded();
        Assert.AreEqual("", result.Error);
        HostDatabase.Await(first);
        HostDatabase.Await(second);

        // With and without threads that allocate meanwhile: 200 blocks before the snapshot, 300 after it, 50 while it is off, 70 in another recording.
        var block = long.Parse(python.Run(["-c", "import sys; print(sys.getsizeof(bytes(5000)))"]).Succeeded().Output); // more without the GIL
        Assert.AreEqual((500L, 500 * block), TraceQuery.Single<(long, long)>(first, Kept + 15));
        Assert.AreEqual(("start", 1L, "on", "stopped"), TraceQuery.Single<(string, long, string, string)>(first, "SELECT found, initialized, runtime.stacks, ending FROM runtime JOIN process ON process = process.id"));
        Assert.AreEqual(200, At(first, "after 200"));
        Assert.AreEqual((70L, 70 * block), TraceQuery.Single<(long, long)>(second, Kept + 15));
        Assert.IsGreaterThanOrEqualTo(100, TraceQuery.Single<long>(first, "SELECT unknown_frees FROM process"), "blocks from before");
        StringAssert.Contains(Alloctrace.Run("summary", first).Succeeded().Output, "was running when the recording began");
    }

    /// <summary>Passes a str by ctypes, as wchar_t*: read as char*, that is its first character.</summary>
    [TestMethod]
    public void Wide_strings_are_refused_with_a_line_that_says_what_to_pass()
    {
        const string source = """
            import ctypes, os, sys
            api = ctypes.CDLL(sys.argv[1])
            os.chdir(sys.argv[2])
            print([api.alloctrace_start(path, None) for path in ("calls.db", os.path.abspath("calls.db"), "./calls.db", "\N{CYRILLIC SMALL LETTER EF}.db")])
            print(api.alloctrace_start(b"calls.db", "frames=64"))
            print([api.alloctrace_start(path, b"collector=off") for path in (b".", b".")], api.alloctrace_snapshot("later"), api.alloctrace_snapshot(b"s"), api.alloctrace_stop())
            """;
        using var folder = new TemporaryFolder();
        var result = Python.Default.Run(["-c", source, Alloctrace.Library, folder.Path]).Succeeded();
        Assert.AreEqual("[-1, -1, -1, -1]\n-1\n[0, 0] -1 0 0\n", result.Output);
        string Line(string argument, string text) =>
            $"alloctrace: the {argument} \"{text}\" is the beginning of a wide string, as ctypes passes a str: pass bytes, b\"...\" or os.fsencode(...); nothing was done\n";
        Assert.AreEqual(
            Line("path", "c") + Line("path", "/") + Line("path", ".") + Line("path", "D\u0004") + Line("options", "f") + Line("name", "l"), result.Error);
        Assert.HasCount(1, folder.Files("*"));
    }

    [TestMethod]
    public void Dotnet_host_takes_snapshots_of_the_Python_that_it_embeds()
    {
        foreach (var library in Plain())
        {
            using var folder = new TemporaryFolder();
            var database = folder.File("host.db");
            var result = library.Run("dotnet", [_dotnetHost, library.Path, database], []).Succeeded();
            Assert.AreEqual("", result.Error);
            Assert.HasCount(2, result.Lines);
            Assert.AreEqual((300L, 300L * 5033), TraceQuery.Single<(long, long)>(database, LogIn));
            Assert.AreEqual(("dlsym", 0L, "on"), TraceQuery.Single<(string, long, string)>(database, "SELECT found, initialized, stacks FROM runtime"));
            CollectionAssert.AreEqual(
                new[] { "a hundred sessions", "three hundred sessions" }, TraceQuery.Rows<string>(database, "SELECT name FROM snapshot WHERE kind = 'named' ORDER BY at_ns"));
            Assert.IsEmpty(folder.Files("*.alloctrace"));
        }
    }

    [TestMethod]
    public void Dotnet_host_is_recorded_by_a_startup_hook_without_a_change()
    {
        foreach (var library in Plain())
        {
            using var folder = new TemporaryFolder();
            var database = folder.File("host.db");
            var hook = Path.Combine(AppContext.BaseDirectory, "AllocTrace.dll");
            var result = library.Run("dotnet", [_dotnetHost, library.Path], new() { ["DOTNET_STARTUP_HOOKS"] = hook, ["ALLOCTRACE"] = database, ["PYTHONMALLOC"] = "malloc_debug" }).Succeeded();
            Assert.AreEqual("", result.Error + result.Output);
            Assert.AreEqual((300L, 300L * 5033), TraceQuery.Single<(long, long)>(database, LogIn));
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        }
    }

    [TestMethod]
    public void Snapshot_of_a_recorded_process_is_taken_from_outside()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        var start = new ProcessStartInfo(Python.Default.Path, ["-c", "import sys; kept = [bytes(1000) for _ in range(100)]; print('ready', flush=True); sys.stdin.readline(); more = [bytes(1000) for _ in range(100)]"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = database },
        };
        using var program = Process.Start(start)!;
        Assert.AreEqual("ready", program.StandardOutput.ReadLine());
        var pid = program.Id.ToString();
        CommandResult taken;
        while ((taken = Alloctrace.Run("snapshot", pid, "half way")).ExitCode != 0)
            StringAssert.Contains(taken.Error, "has no collector at the moment", "its collector is still starting");

        program.StandardInput.WriteLine();
        program.WaitForExit();
        HostDatabase.Await(database);
        Assert.HasCount(1, Alloctrace.Top(database, "--at", "half way", "--group-by", "process"));
        var blocks = TraceQuery.Rows<long>(database, "SELECT blocks FROM snapshot WHERE name IN ('half way', 'live') ORDER BY at_ns");
        Assert.IsGreaterThan(blocks[0], blocks[1]);

        var gone = Alloctrace.Run("snapshot", pid, "too late");
        Assert.AreEqual(1, gone.ExitCode);
        Expectation.Verify("Snapshot", (taken.Error + gone.Error).Replace(pid, "PID"));
    }

    [TestMethod]
    public void C_host_of_the_samples_is_linked_with_the_library_and_records_itself()
    {
        var tried = 0;
        foreach (var library in LibPython.Installed.Where(library => library.Launcher.Length == 0))
        {
            var headers = library.Python.Run(["-S", "-c", "import sysconfig; print(sysconfig.get_paths()['include'])"]).Output.Trim();
            if (!File.Exists(Path.Combine(headers, "Python.h")))
                continue;

            using var folder = new TemporaryFolder();
            var (program, database) = (folder.File("host"), folder.File("host.db"));
            string[] places = [Path.GetDirectoryName(Alloctrace.Library)!, Path.GetDirectoryName(library.Path)!];
            Command.Run(
                "cc",
                [
                    Path.Combine(AppContext.BaseDirectory, "samples", "host.c"), "-I", Path.Combine(AppContext.BaseDirectory, "include"), "-I", headers, library.Path,
                    .. places.SelectMany(place => (string[])[$"-L{place}", $"-Wl,-rpath,{place}"]), "-lalloctrace", "-o", program,
                ]).Succeeded();
            var result = library.Run(program, [database], []).Succeeded();
            Assert.AreEqual(("CPythons hooked: 1, events lost: 0\n", ""), (result.Output, result.Error));
            Assert.IsTrue(File.Exists(database), "stopping waits for the database");
            Assert.AreEqual(("start", 0L), TraceQuery.Single<(string, long)>(database, "SELECT found, initialized FROM runtime"));
            Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT sum(unknown_frees) FROM process"));
            Assert.AreEqual(1, TraceQuery.Single<long>(database, "SELECT count(*) FROM snapshot WHERE name = 'a hundred sessions'"));
            Assert.IsGreaterThanOrEqualTo(300 * 5033, TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes) FROM site_frame WHERE function LIKE 'log_in%' OR function = '<listcomp>'"));
            tried++;
        }

        if (tried == 0)
            Assert.Inconclusive("no CPython with headers");
    }

    [TestMethod]
    public void Doctor_says_what_was_hooked_and_what_not()
    {
        Expectation.Verify("Doctor/Python", Stable(Alloctrace.Run("doctor", "--", Python.Default.Path, "-c", "pass").Succeeded()));
        var other = Alloctrace.Run("doctor", "--", "true");
        Expectation.Verify("Doctor/NoPython", Stable(other));
        Assert.AreEqual(1, other.ExitCode);

        // Replaces text that differs between machines and runs, and removes the remains of other tests.
        static string Stable(CommandResult result)
        {
            var text = Regex.Replace(result.Output.Replace(Python.Default.Path, "PYTHON"), "(library|for --native)( +)/.*/", "$1$2FOLDER/");
            text = Regex.Replace(text, "startup hook( +).*", "startup hook$1HOOK"); // the command that is compiled ahead of time has none beside it
            text = Regex.Replace(text, "left behind .*\n", "");
            text = Regex.Replace(text, "/dev/shm, .* free", "/dev/shm, SIZE free");
            text = Regex.Replace(text, "CPython [^ ]+ in .*", "CPython VERSION in PLACE");
            return Regex.Replace(text, "Process [0-9]+: .*", "Process PID: COMMAND");
        }
    }

    private const string LogIn = "SELECT sum(allocated_blocks), sum(allocated_bytes) FROM site_frame WHERE function = 'log_in' AND lineno = 4 AND domain_name = 'obj' AND allocated_bytes > 300000";

    private static readonly string _dotnetHost = Path.Combine(AppContext.BaseDirectory, "DotNetHost.dll");

    private static IEnumerable<LibPython> Plain()
    {
        var libraries = LibPython.Installed.Where(library => library.Launcher.Length == 0).DistinctBy(library => library.Python.Minor).ToArray();
        return libraries.Length > 0 ? libraries : throw new AssertInconclusiveException("no CPython that is built as a library");
    }

    private static long At(string database, string name) => TraceQuery.Single<long>(
        database,
        $"""
        SELECT sum(snapshot_site.blocks) FROM snapshot_site JOIN snapshot ON snapshot.id = snapshot JOIN site_frame ON site_frame.id = site
        WHERE snapshot.name = '{name}' AND function = 'keep' AND lineno = 15 AND domain_name = 'obj'
        """);
}
