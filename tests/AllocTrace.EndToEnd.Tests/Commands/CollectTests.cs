using System.Diagnostics;
using System.Text.RegularExpressions;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests the collection of programs that ran with the variables alone, during and after their run.</summary>
[TestClass]
public sealed class CollectTests
{
    private const string Sessions = "*.alloctrace";

    /// <summary>A program that holds 100 blocks of a kilobyte, says so, and continues after a line of input.</summary>
    private const string Waiting = """
        import sys
        kept = [bytes(1000) for _ in range(100)]
        print("ready", flush=True)
        sys.stdin.readline()
        more = [bytes(2000) for _ in range(100)]
        """;

    private static readonly string _leak = Path.Combine(AppContext.BaseDirectory, "samples", "leak.py");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Two_processes_of_a_folder_become_one_database(Python python)
    {
        using var folder = new TemporaryFolder();
        RecordLeak(python, folder.Path);
        RecordLeak(python, folder.Path);
        Assert.HasCount(2, folder.Files(Sessions));

        var database = folder.File("t.db");
        var result = Alloctrace.Run("collect", "-o", database, folder.Path).Succeeded();
        StringAssert.Contains(result.Output, "leak.py:7");
        Assert.HasCount(2, Alloctrace.Top(database, "--group-by", "process"));
        AssertLeak(python, database, processes: 2);
        Assert.IsEmpty(folder.Files(Sessions));

        var again = Alloctrace.Run("collect", "-o", folder.File("again.db"), folder.Path);
        Fails(again, 1, "nothing to collect");
        Expectation.Verify("Collect/Messages", (result.Error + again.Error).Replace(folder.Path, "FOLDER"));
        Assert.IsFalse(File.Exists(folder.File("again.db")));
    }

    [TestMethod]
    public void Time_until_it_is_collected_is_no_part_of_a_recording()
    {
        using var folder = new TemporaryFolder();
        var time = Stopwatch.StartNew();
        RecordLeak(Python.Default, folder.Path);
        var ran = time.Elapsed;
        Thread.Sleep(1000);
        var database = folder.File("t.db");
        Alloctrace.Run("collect", "-q", "-o", database, folder.Path).Succeeded();
        Assert.IsLessThan(ran.TotalNanoseconds, TraceQuery.Single<double>(database, "SELECT duration_ns FROM process"));
        Assert.IsLessThan(ran.TotalNanoseconds, TraceQuery.Single<double>(database, "SELECT max(end_ns) FROM slice"));
    }

    [TestMethod]
    public void Sessions_beside_the_database_are_found_by_its_name()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        RecordLeak(Python.Default, database);
        StringAssert.StartsWith(Path.GetFileName(folder.Files(Sessions).Single()), "trace.db.");

        Alloctrace.Run("collect", "-q", "-o", database, database).Succeeded();
        AssertLeak(Python.Default, database, processes: 1);
        Assert.IsEmpty(folder.Files(Sessions));

        RecordLeak(Python.Default, database);
        Alloctrace.Run("collect", "-q", "-f", "-o", database, folder.Path).Succeeded();
        AssertLeak(Python.Default, database, processes: 1);
    }

    [TestMethod]
    public void Without_a_name_the_database_is_named_after_the_first_process()
    {
        using var folder = new TemporaryFolder();
        RecordLeak(Python.Default, folder.Path);
        var pid = Path.GetFileName(folder.Files(Sessions).Single()).Split('-')[0];
        RecordLeak(Python.Default, folder.Path);
        Alloctrace.RunIn(folder.Path, "collect", "-q", ".").Succeeded();
        Assert.AreEqual($"alloctrace-{pid}.db", Path.GetFileName(folder.Files("*.db").Single()));
    }

    [TestMethod]
    public void Running_process_is_followed_to_its_end()
    {
        using var folder = new TemporaryFolder();
        using var program = Start(folder);
        using var collect = StartCollect(folder);
        WaitUntilCollected(folder);
        Fails(Alloctrace.Run("collect", "-o", folder.File("other.db"), folder.Path), 1, "is already collecting it");
        Assert.IsFalse(collect.HasExited);

        program.StandardInput.WriteLine();
        Assert.AreEqual(0, EndOf(collect));
        Assert.IsEmpty(folder.Files(Sessions));
        Assert.AreEqual("finalized", Ending(folder.File("t.db")));
        AssertHeld(folder.File("t.db"), (2, 1000), (5, 2000));
        program.WaitForExit();
    }

    [TestMethod]
    public void Watched_folder_is_collected_from_until_it_is_told_to_stop()
    {
        using var folder = new TemporaryFolder();
        using var collect = StartCollect(folder, "--watch");
        RecordLeak(Python.Default, folder.Path);
        using (var program = Start(folder))
        {
            WaitUntilCollected(folder, newest: true); // the first has ended, and another one comes
            program.StandardInput.WriteLine();
            program.WaitForExit();
        }

        Command.Run("kill", ["-TERM", $"{collect.Id}"]).Succeeded();
        Assert.AreEqual(0, EndOf(collect));
        AssertLeak(Python.Default, folder.File("t.db"), processes: 1);
        AssertHeld(folder.File("t.db"), (2, 1000), (5, 2000));
        Assert.IsEmpty(folder.Files(Sessions));
    }

    [TestMethod]
    public void Interrupt_writes_what_is_there_and_leaves_the_session()
    {
        using var folder = new TemporaryFolder();
        using var program = Start(folder);
        using var collect = StartCollect(folder);
        WaitUntilCollected(folder);
        Command.Run("kill", ["-TERM", $"{collect.Id}"]).Succeeded(); // as Ctrl-C, which is ignored where the tests run in the background
        var said = collect.StandardError.ReadToEnd(); // its report is short: the pipe has room for it
        Assert.AreEqual(0, EndOf(collect));
        Expectation.Verify("Collect/Interrupted", said.Replace(folder.Path, "FOLDER").Replace($"{program.Id}", "PID"));
        Assert.AreEqual("running", Ending(folder.File("t.db")));
        AssertHeld(folder.File("t.db"), (2, 1000));
        Assert.HasCount(1, folder.Files(Sessions));

        // The rest is collected later, and says that it is one.
        program.StandardInput.WriteLine();
        program.WaitForExit();
        Alloctrace.Run("collect", "-q", "-o", folder.File("rest.db"), folder.Path).Succeeded();
        AssertHeld(folder.File("rest.db"), (5, 2000));
        StringAssert.Contains(Alloctrace.Run("summary", folder.File("rest.db")).Succeeded().Output, "the beginning of the recording is missing");
        Assert.IsEmpty(folder.Files(Sessions));
    }

    [TestMethod]
    public void Killed_process_is_collected_with_its_live_blocks()
    {
        using var folder = new TemporaryFolder();
        using (var program = Start(folder))
        {
            program.Kill();
            program.WaitForExit();
        }

        Alloctrace.Run("collect", "-q", "-o", folder.File("t.db"), folder.Path).Succeeded();
        Assert.AreEqual("killed", Ending(folder.File("t.db")));
        AssertHeld(folder.File("t.db"), (2, 1000));
        Assert.IsEmpty(folder.Files(Sessions));
    }

    [TestMethod]
    public void Damaged_file_is_told_and_stays_and_the_others_are_collected()
    {
        using var folder = new TemporaryFolder();
        RecordLeak(Python.Default, folder.Path);
        var whole = folder.Files(Sessions).Single();
        File.WriteAllBytes(folder.File("cut.alloctrace"), File.ReadAllBytes(whole)[..100_000]);
        File.WriteAllText(folder.File("text.alloctrace"), "hello");

        var result = Alloctrace.Run("collect", "-q", "-o", folder.File("t.db"), folder.Path);
        Assert.AreEqual(3, result.ExitCode, result.Error);
        Expectation.Verify("Collect/Damaged", string.Join('\n', Regex.Replace(result.Error.Replace(folder.Path, "FOLDER"), "[0-9]+", "N").Split('\n').Order()));
        CollectionAssert.AreEquivalent(new[] { folder.File("cut.alloctrace"), folder.File("text.alloctrace") }, folder.Files(Sessions));
        AssertLeak(Python.Default, folder.File("t.db"), processes: 1);
    }

    [TestMethod]
    public void Existing_output_is_refused_and_the_sessions_are_untouched()
    {
        using var folder = new TemporaryFolder();
        RecordLeak(Python.Default, folder.Path);
        var before = File.ReadAllBytes(folder.Files(Sessions).Single());
        File.WriteAllText(folder.File("t.db"), "precious");

        Fails(Alloctrace.Run("collect", "-o", folder.File("t.db"), folder.Path), 1, "exists");
        Assert.AreEqual("precious", File.ReadAllText(folder.File("t.db")));
        CollectionAssert.AreEqual(before, File.ReadAllBytes(folder.Files(Sessions).Single()));
    }

    [TestMethod]
    public void Missing_path_is_1() => Fails(Alloctrace.Run("collect", "/no/such/folder"), 1, "/no/such/folder");

    private static Dictionary<string, string?> Variables(string path) => new()
    {
        ["LD_PRELOAD"] = Alloctrace.Library,
        ["ALLOCTRACE"] = path,
        ["ALLOCTRACE_OPTIONS"] = "collector=off",
    };

    private static void RecordLeak(Python python, string path) => python.Run([_leak], environment: Variables(path)).Succeeded();

    private static void AssertLeak(Python python, string database, int processes)
    {
        var size = long.Parse(python.Run(["-c", "import sys; print(1000 * sys.getsizeof(bytearray(9_999)))"]).Succeeded().Output);
        var leak = Alloctrace.Top(database, "--filter", "*leak.py:7").Single();
        Assert.AreEqual(processes * 2000, leak.GetProperty("count").GetInt64());
        Assert.AreEqual(processes * size, leak.GetProperty("size").GetInt64());
    }

    /// <summary>Requires lines of <see cref="Waiting"/> that hold 100 <c>bytes</c> of this size.</summary>
    private static void AssertHeld(string database, params (int Line, int Length)[] expected)
    {
        var header = long.Parse(Python.Default.Run(["-c", "import sys; print(sys.getsizeof(b''))"]).Succeeded().Output);
        var sizes = Alloctrace.Top(database, "--filter", "*waiting.py").ToDictionary(
            row => row.GetProperty("traceback")[0].GetProperty("lineno").GetInt32(), row => row.GetProperty("size").GetInt64());
        foreach (var (line, length) in expected)
            Assert.IsInRange(100 * (length + header), 100 * (length + header) + 2000, sizes[line], $"line {line}, the list included");

        Assert.AreEqual(expected.Length, sizes.Count(row => row.Value > 50_000));
    }

    private static string Ending(string database)
    {
        using var summary = System.Text.Json.JsonDocument.Parse(Alloctrace.Run("summary", database, "--json").Succeeded().Output);
        return summary.RootElement.GetProperty("processes")[0].GetProperty("ending").GetString()!;
    }

    private static void Fails(CommandResult result, int code, string says)
    {
        Assert.AreEqual(code, result.ExitCode, result.Error);
        Assert.AreEqual("", result.Output);
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);
        StringAssert.Contains(result.Error, says);
    }

    private static Process Start(TemporaryFolder folder)
    {
        var source = folder.File("waiting.py");
        File.WriteAllText(source, Waiting);
        var start = new ProcessStartInfo(Python.Default.Path, [source]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in Variables(folder.Path))
            start.Environment[name] = value;

        var process = Process.Start(start)!;
        Assert.AreEqual("ready", process.StandardOutput.ReadLine());
        return process;
    }

    private static Process StartCollect(TemporaryFolder folder, params string[] options) =>
        Process.Start(new ProcessStartInfo(Alloctrace.Program, ["collect", .. options, "-o", folder.File("t.db"), folder.Path]) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    /// <summary>Waits until the running session has a collector: <c>collector_pid</c> in its header.</summary>
    private static void WaitUntilCollected(TemporaryFolder folder, bool newest = false)
    {
        var files = folder.Files(Sessions);
        var file = newest ? files.MaxBy(File.GetCreationTimeUtc)! : files.Single();
        using var session = Wire.SessionFile.TryOpen(file, shared: false)!;
        var timeout = Stopwatch.StartNew();
        while (Collector(session) == 0)
        {
            Assert.IsLessThan(60, timeout.Elapsed.TotalSeconds);
            Thread.Sleep(10);
        }

        static unsafe uint Collector(Wire.SessionFile session) => Volatile.Read(ref session.Header->CollectorPid);
    }

    private static int EndOf(Process process)
    {
        Assert.IsTrue(process.WaitForExit(TimeSpan.FromMinutes(1)));
        return process.ExitCode;
    }
}
