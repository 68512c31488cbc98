using System.Diagnostics;
using System.Text;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests <c>alloctrace live</c> with running recordings, in a pipe and on a terminal.</summary>
[TestClass]
public sealed class LiveTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    [TestMethod]
    public void Recording_of_run_is_shown_while_it_goes_on()
    {
        using var folder = new TemporaryFolder();
        using var run = Start(Alloctrace.Program, ["run", "-q", "-o", folder.File("t.db"), "--", Python.Default.Path, Alloctrace.ProgramFile("attached.py")], []);
        AssertShown(ChildOf(run.Id));
        End(run);
        Assert.AreEqual("t.db", string.Join(' ', folder.Files("*").Select(Path.GetFileName)));
    }

    [TestMethod]
    public void Recording_by_variables_alone_is_shown_while_it_goes_on()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        using var program = Start(Python.Default.Path, [Alloctrace.ProgramFile("attached.py")], new() { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = database });
        AssertShown(program.Id);
        End(program);
        HostDatabase.Await(database);
        Assert.AreEqual("t.db", string.Join(' ', folder.Files("*").Select(Path.GetFileName)), "live snapshots are removed");
    }

    [TestMethod]
    public void Recording_of_attach_is_shown_on_a_terminal_until_a_key_ends_it()
    {
        using var folder = new TemporaryFolder();
        using var program = Start(Python.Default.Path, [Alloctrace.ProgramFile("attached.py")], []);
        Alloctrace.Run("attach", $"{program.Id}", "-o", folder.File("t.db")).Succeeded();
        Work(program);

        // A terminal of its own, by util-linux.
        var command = $"stty rows 40 cols 120; exec '{Alloctrace.Program}' live {program.Id}";
        using var screen = Start("script", ["-qefc", command, "/dev/null"], new() { ["TERM"] = "xterm", ["LC_ALL"] = "C.UTF-8", ["NO_COLOR"] = "1" }, isReady: false);
        var shown = new Screen(screen);
        shown.Await("Size↓");
        shown.Await("attached.py:12 keep");
        shown.Await("B/s,");
        screen.StandardInput.Write("c");
        shown.Await("Count↓");
        screen.StandardInput.Write("h");
        shown.Await($"of process {program.Id}");
        screen.StandardInput.Write("r");
        shown.Await("Rate↓");
        screen.StandardInput.Write("q");
        shown.AwaitEnd();
        Assert.IsTrue(screen.WaitForExit(_timeout));
        Assert.AreEqual(0, screen.ExitCode);
        StringAssert.Contains(shown.All, "\x1b[?1049h");
        StringAssert.Contains(shown.All, "\x1b[?25h\x1b[?1049l");

        Work(program);
        Alloctrace.Run("detach", $"{program.Id}").Succeeded();
        End(program);
        Assert.AreEqual(600, TraceQuery.Single<long>(folder.File("t.db"), "SELECT sum(allocated_blocks) FROM site_frame WHERE function = 'keep' AND lineno = 12"));
    }

    private static void AssertShown(int pid)
    {
        CommandResult result;
        while ((result = Alloctrace.Run("live", $"{pid}", "--once", "-n", "0")).ExitCode != 0)
            StringAssert.Contains(result.Error, "has no collector at the moment", "its collector is still starting");

        var lines = result.Lines;
        StringAssert.StartsWith(lines[0], $"Process {pid}: ");
        StringAssert.Contains(lines[1], "/s, after ");
        Assert.IsTrue(lines.Any(line => line.Contains(" 300  ", StringComparison.Ordinal) && line.EndsWith("attached.py:12 keep", StringComparison.Ordinal)), result.Output);
        AssertReported(pid);
    }

    /// <summary>Requires that reports accept the PID in place of a file.</summary>
    private static void AssertReported(int pid)
    {
        StringAssert.Contains(Alloctrace.Run("top", $"{pid}", "-n", "0").Succeeded().Output, "attached.py:12");
        foreach (var report in (string[])["leaks", "tree", "summary", "timeline"])
            Alloctrace.Run(report, $"{pid}").Succeeded();

        StringAssert.Contains(Alloctrace.Run("flamegraph", $"{pid}", "-o", "-").Succeeded().Output, "<html");
        StringAssert.Contains(Alloctrace.Run("diff", $"{pid}", $"{pid}").Succeeded().Output, "0 B");
    }

    private static Process Start(string program, string[] arguments, Dictionary<string, string> variables, bool isReady = true)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;

        var process = Process.Start(start)!;
        process.StandardInput.AutoFlush = true;
        if (isReady)
        {
            Assert.AreEqual("ready", process.StandardOutput.ReadLine());
            if (variables.Count > 0 || program == Alloctrace.Program)
                Work(process);
        }

        return process;
    }

    private static void Work(Process program)
    {
        program.StandardInput.WriteLine("work");
        program.StandardOutput.ReadLine();
    }

    private static void End(Process program)
    {
        program.StandardInput.WriteLine("end");
        Assert.IsTrue(program.WaitForExit(_timeout));
        Assert.AreEqual((0, ""), (program.ExitCode, program.StandardError.ReadToEnd()));
    }

    private static int ChildOf(int pid) => int.Parse(File.ReadAllText($"/proc/{pid}/task/{pid}/children").Trim());

    /// <summary>The text that appears on a terminal.</summary>
    private sealed class Screen
    {
        private readonly StringBuilder _text = new();
        private readonly Task _reading;
        private int _at;

        public Screen(Process terminal) => _reading = Task.Run(() =>
        {
            var buffer = new char[4096];
            while (terminal.StandardOutput.Read(buffer, 0, buffer.Length) is > 0 and var count)
            {
                lock (_text)
                    _text.Append(buffer, 0, count);
            }
        });

        public string All
        {
            get
            {
                lock (_text)
                    return _text.ToString();
            }
        }

        /// <summary>Waits until the text appears after the one that was waited for before.</summary>
        public void Await(string text)
        {
            var time = Stopwatch.StartNew();
            while (All.IndexOf(text, _at, StringComparison.Ordinal) is var found)
            {
                if (found >= 0)
                {
                    _at = found;
                    return;
                }

                Assert.IsTrue(time.Elapsed < _timeout && !_reading.IsCompleted, $"no {text} in {All[_at..]}");
                Thread.Sleep(10);
            }
        }

        public void AwaitEnd() => Assert.IsTrue(_reading.Wait(_timeout));
    }
}
