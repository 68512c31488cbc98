using AllocTrace.Analysis;
using AllocTrace.Report.Commands;
using AllocTrace.Report.Render;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Stacks;
using AllocTrace.Storage;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>Compares the output of the commands with expected files.</summary>
[TestClass]
public sealed class TextOutputTests
{
    [TestMethod]
    [DataRow("Summary/OneProcess", "summary")]
    [DataRow("Summary/Json", "summary --json")]
    [DataRow("Summary/Csv", "summary --csv")]
    [DataRow("Top/Lineno", "top")]
    [DataRow("Top/Filename", "top --group-by filename")]
    [DataRow("Top/Function", "top -g function --view total")]
    [DataRow("Top/Traceback", "top --group-by traceback --view peak -n 3")]
    [DataRow("Top/Domain", "top --group-by domain --view peak")]
    [DataRow("Top/Thread", "top --group-by thread")]
    [DataRow("Top/Process", "top --group-by process")]
    [DataRow("Top/Temporary", "top --view temporary")]
    [DataRow("Top/Named", "top --at after#login")]
    [DataRow("Top/Cumulative", "top --cumulative -n 2")]
    [DataRow("Top/Limit", "top -n 1")]
    [DataRow("Top/Filtered", "top --filter leak.py:15")]
    [DataRow("Top/FilteredByCaller", "top --filter leak.py:24 --all-frames --exclude leak.py:7")]
    [DataRow("Top/Nothing", "top --filter nothing.py")]
    [DataRow("Top/Json", "top --json -n 1 --group-by traceback")]
    [DataRow("Top/JsonThread", "top --json -n 1 --group-by thread")]
    [DataRow("Top/Csv", "top --csv")]
    [DataRow("Top/CsvTraceback", "top --csv --group-by traceback")]
    [DataRow("Memory/Text", "memory")]
    [DataRow("Memory/Json", "memory --json")]
    [DataRow("Export/Csv", "export --format csv -o -")]
    public void Output_in_a_pipe_is_as_expected(string expectation, string line)
    {
        using var server = new LeakyServer();
        string[] arguments = [.. line.Split(' ').Select(word => word.Replace('#', ' '))];
        Expectation.Verify(expectation, server.Stable(CommandRun.Of([arguments[0], server.Path, .. arguments[1..]]).Succeeded()));
    }

    [TestMethod]
    [DataRow("Help/Root", "--help")]
    [DataRow("Help/Run", "run --help")]
    [DataRow("Help/Collect", "collect --help")]
    [DataRow("Help/Attach", "attach --help")]
    [DataRow("Help/Detach", "detach --help")]
    [DataRow("Help/Live", "live --help")]
    [DataRow("Help/Snapshot", "snapshot --help")]
    [DataRow("Help/Stack", "stack --help")]
    [DataRow("Help/Crash", "crash --help")]
    [DataRow("Help/Doctor", "doctor --help")]
    [DataRow("Help/Summary", "summary --help")]
    [DataRow("Help/Top", "top --help")]
    [DataRow("Help/Tree", "tree --help")]
    [DataRow("Help/Holders", "holders --help")]
    [DataRow("Help/Memory", "memory --help")]
    [DataRow("Help/Symbols", "symbols --help")]
    [DataRow("Help/Leaks", "leaks --help")]
    [DataRow("Help/Timeline", "timeline --help")]
    [DataRow("Help/Diff", "diff --help")]
    [DataRow("Help/Flamegraph", "flamegraph --help")]
    [DataRow("Help/Export", "export --help")]
    [DataRow("Help/Merge", "merge --help")]
    [DataRow("Help/Push", "push --help")]
    [DataRow("Help/Agent", "agent --help")]
    [DataRow("Help/Completion", "completion --help")]
    public void Help_is_as_expected(string expectation, string line) =>
        Expectation.Verify(expectation, CommandRun.Of(line.Split(' ')).Succeeded());

    [TestMethod]
    [DataRow("Top/NarrowTerminal", 60, "top")]
    [DataRow("Top/WideTerminal", 140, "top")]
    [DataRow("Summary/Terminal", 80, "summary")]
    public void Output_on_a_terminal_is_as_expected(string expectation, int width, string command)
    {
        using var server = new LeakyServer();
        var text = server.Stable(CommandRun.On(width, color: false, command, server.Path).Succeeded());
        Assert.DoesNotContain("\x1b", text);
        Expectation.Verify(expectation, text);
    }

    [TestMethod]
    public void Colours_are_for_terminals_that_want_them()
    {
        using var server = new LeakyServer();
        Assert.Contains("\x1b[1m", CommandRun.On(80, color: true, "top", server.Path).Succeeded());
        Assert.DoesNotContain("\x1b", CommandRun.On(null, color: true, "top", server.Path).Succeeded());
    }

    [TestMethod]
    [DataRow("top")]
    [DataRow("top --group-by traceback")]
    [DataRow("top --csv")]
    [DataRow("top --json")]
    [DataRow("summary")]
    [DataRow("summary --json")]
    [DataRow("memory")]
    [DataRow("memory --json")]
    [DataRow("tree --min 0")]
    [DataRow("diff --at after#login --at live")]
    [DataRow("diff --at after#login --at live --csv")]
    [DataRow("export --format csv -o -")]
    [DataRow("export --format collapsed -o -")]
    public void Escape_sequences_in_names_do_not_reach_the_terminal(string line)
    {
        using var server = new LeakyServer();
        string[] arguments = [.. line.Split(' ').Select(word => word.Replace('#', ' '))];
        var text = CommandRun.On(200, color: false, [arguments[0], server.Path, .. arguments[1..]]).Succeeded();
        Assert.IsFalse(text.Any(c => c is '\x1b' or '\u009b'));
        Assert.Contains("gnp.py", text);
    }

    [TestMethod]
    [DataRow("Crash/Text", "crash")]
    [DataRow("Crash/Json", "crash --json")]
    public void Crash_is_shown_with_what_is_missing(string expectation, string line)
    {
        using var trace = new TraceBuilder();
        trace.Crash(trace.Process(ending: "exited"));
        trace.Save();
        string[] arguments = line.Split(' ');
        var text = CommandRun.Of([arguments[0], trace.Path, .. arguments[1..]]).Succeeded();
        Assert.DoesNotContain("\x1b", text);
        Expectation.Verify(expectation, text);
        Assert.Contains("Crashed: SIGSEGV at address 0x18 in thread 101 after 1.25 s", CommandRun.Of("summary", trace.Path).Succeeded());
        Assert.Contains("\"crash\":{\"pid\":100,\"signal\":11", CommandRun.Of("summary", trace.Path, "--json").Succeeded());
    }

    [TestMethod]
    public void Stacks_of_a_process_are_as_expected()
    {
        ThreadStack[] threads =
        [
            new() { Id = 4242, Name = "python3", Identifier = 140_000_000_000_001, Python = "3.13", Frames = [new("/srv/app.py", 40, "<module>"), new("/srv/\x1b[2Japp.py", 20, "Server.handle"), new("<string>", 0, "generated")] },
            new() { Identifier = 0x7f00, Python = "3.10", Interpreter = 2, IsRunning = true, Frames = [] },
            new() { Id = 4243, Name = "busy", Python = "3.13", IsRunning = true, Problem = "it changed during every attempt to read it" },
        ];
        using StringWriter text = new(), json = new(), error = new();
        using (var output = new Output(text, error))
            new ThreadStacksReport(4242, threads).WriteText(output);
        using (var output = new Output(json, error))
            new ThreadStacksReport(4242, threads).WriteJson(output.Out);

        Assert.DoesNotContain("\x1b", text.ToString());
        Expectation.Verify("Stack/Text", text.ToString());
        Expectation.Verify("Stack/Json", json.ToString());
    }

    [TestMethod]
    public void What_doctor_found_is_as_expected()
    {
        using var trace = new TraceBuilder();
        var (host, plugin) = (trace.Process(4242, "./host --once"), trace.Process(4243, "gdb -q"));
        trace.Execute("INSERT INTO runtime VALUES (?1, '', '3.11.2 (main) [GCC 12]', 'load', 0, 0, 'on')", host);
        trace.Execute("INSERT INTO runtime VALUES (?1, '/opt/libpython3.14.so.1.0', '3.14.0 (main)', 'dlsym', 0, 1000, 'no layout for CPython 3.99')", host);
        trace.Execute("INSERT INTO runtime VALUES (?1, '/usr/lib/libpython3.13.so.1.0', '3.13.5 (main)', 'start', 1, 1000, 'on')", plugin);
        trace.Execute("UPDATE process SET unknown_frees = 12 WHERE id = ?1", plugin);
        trace.Loss(plugin, "slabs full", 5);
        using var database = TraceDatabase.Open(trace.Save());
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error);
        Assert.IsFalse(DoctorCommand.Tell(new Page(output), database));
        Expectation.Verify("Doctor/Found", data.ToString());
    }

    [TestMethod]
    [DataRow("Summary/Caveats", "summary")]
    [DataRow("Top/Caveats", "top")]
    public void Reports_begin_with_what_the_recording_does_not_have(string expectation, string command)
    {
        using var trace = new TraceBuilder();
        int crashed = trace.Process(100, "python3 worker.py"), without = trace.Process(101, "python3.99 new.py", stacks: "no layout for CPython 3.99"), killed = trace.Process(102, "python3 late.py", ending: "killed");
        trace.Site(trace.Thread(crashed), "obj", trace.Stack(new Frame("/srv/worker.py", 7, "work")), new(2_000_000, 20), peak: new(2_000_000, 20), live: new(1_000_000, 10));
        trace.Site(trace.Thread(without), "raw", 0, new(64, 1), live: new(64, 1));
        for (var i = 0; i < 12; i++)
            trace.Site(trace.Thread(killed, $"pool-{i}", 200 + i), "mem", trace.LostStack(), new(100 + i, 1), peak: new(100 + i, 1));

        trace.Crash(crashed);
        trace.FullEventLog(crashed, leftOut: 105_000, sinceNs: 1_000_000);
        trace.Execute("INSERT INTO runtime VALUES (?1, '', '3.11.2 (main) [GCC 12]', 'start', 1, 1000, 'on')", killed);
        trace.Execute("UPDATE process SET unknown_frees = 12, cut_stacks = 3 WHERE id = ?1", killed);
        trace.Loss(killed, "slabs full", 5, 1_000_000, 2_000_000);
        trace.Loss(killed, "stack not kept", 12);
        trace.Loss(without, "collected before", 0);
        trace.Save();
        Expectation.Verify(expectation, CommandRun.Of(command, trace.Path).Succeeded().Replace(trace.Path, "trace.db"));
    }

    /// <summary>Compares the error output, beside or instead of data, with expected files.</summary>
    [TestMethod]
    [DataRow("Messages/Flamegraph", 0, "flamegraph FOLDER/leak.db")]
    [DataRow("Messages/FlamegraphAgain", 1, "flamegraph FOLDER/leak.db -o FOLDER/leak.py")]
    [DataRow("Messages/Merge", 0, "merge FOLDER/leak.db FOLDER/leak.db -o FOLDER/all.db")]
    [DataRow("Messages/NoCrash", 0, "crash FOLDER/leak.db")]
    [DataRow("Messages/Events", 0, "export FOLDER/leak.db --events -o FOLDER/events.csv")]
    [DataRow("Messages/DiffAtNothing", 1, "diff FOLDER/leak.db --at live --at nothing")]
    public void Messages_are_as_expected(string expectation, int exitCode, string line)
    {
        using var server = new LeakyServer(hasEvents: line.Contains("--events"));
        var folder = Path.GetDirectoryName(server.Path)!;
        File.Move(server.Path, Path.Combine(folder, "leak.db"));
        var run = CommandRun.Of(line.Replace("FOLDER", folder).Split(' '));
        Expectation.Verify(expectation, run.Error.Replace(folder, "FOLDER"));
        Assert.AreEqual(("", exitCode), (run.Out, run.ExitCode));
    }

    [TestMethod]
    public void Processes_without_stacks_say_why()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process(stacks: "no layout for CPython 3.99");
        trace.Site(trace.Thread(process), "obj", 0, new(64, 1), live: new(64, 1));
        trace.Save();
        Assert.Contains("No Python stacks: no layout for CPython 3.99", CommandRun.Of("summary", trace.Path).Succeeded());
        Assert.Contains("No Python stacks in process 100: no layout for CPython 3.99", CommandRun.Of("top", trace.Path).Succeeded());
    }

    [TestMethod]
    public void Short_report_names_the_leak_and_what_to_type_next()
    {
        using var server = new LeakyServer();
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error);
        ShortReport.Write(server.Path, exitCode: 0, output);
        Expectation.Verify("Run/ShortReport", server.Stable(data.ToString()));
    }

    [TestMethod]
    public void Short_report_of_many_processes_shows_the_largest()
    {
        using var trace = new TraceBuilder();
        for (var pid = 1; pid <= 5; pid++)
            trace.Site(trace.Thread(trace.Process(pid)), "obj", 0, new(pid * 100, 1), peak: new(pid * 100, 1), live: new(pid, 1));

        trace.Save();
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error);
        ShortReport.Write(trace.Path, exitCode: 0, output);
        var shown = data.ToString().Split('\n').Where(line => line.StartsWith("Process ", StringComparison.Ordinal)).Select(line => line[8]);
        Assert.AreEqual("543", string.Concat(shown));
        Assert.Contains("and 2 more: alloctrace summary", data.ToString());
    }
}
