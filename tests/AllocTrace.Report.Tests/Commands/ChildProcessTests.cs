using System.Diagnostics;
using AllocTrace.Analysis;
using AllocTrace.Tests.Storage;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>What only a process of its own can show.</summary>
[TestClass]
public sealed class ChildProcessTests
{
    private static readonly string _command = Path.Combine(AppContext.BaseDirectory, "AllocTrace.Report.dll");

    [TestMethod]
    public void Reader_that_goes_away_is_not_an_error()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        for (var line = 0; line < 5_000; line++)
            trace.Site(thread, "obj", trace.Stack(new Frame("a.py", line, "f")), new(1, 1), live: new(1, 1));

        trace.Save();
        var (code, data, error) = Shell($"dotnet {_command} top -n 0 {trace.Path} | head -n 1; echo ${{PIPESTATUS[0]}}");
        Assert.AreEqual($"{trace.Path}: live by lineno\n0\n", data);
        Assert.AreEqual("", error);
        Assert.AreEqual(0, code);
    }

    [TestMethod]
    public void Full_disk_is_one_line_and_exit_code_1()
    {
        using var trace = new TraceBuilder();
        trace.Site(trace.Thread(trace.Process()), "obj", 0, new(1, 1), live: new(1, 1));
        trace.Save();
        var (code, _, error) = Shell($"dotnet {_command} top {trace.Path} > /dev/full");
        Assert.AreEqual("alloctrace: No space left on device\n", error);
        Assert.AreEqual(1, code);
    }

    [TestMethod]
    public void Version_is_a_number()
    {
        var (code, data, error) = Shell($"dotnet {_command} --version");
        Assert.MatchesRegex(@"^\d+\.\d+\.\d+\n$", data);
        Assert.AreEqual("", error);
        Assert.AreEqual(0, code);
    }

    [TestMethod]
    [DataRow("alloctrace fla", "flamegraph")]
    [DataRow("alloctrace top app.db --view te", "temporary")]
    [DataRow("alloctrace export --format sp", "speedscope")]
    public void Bash_completes(string line, string expected)
    {
        var words = line.Split(' ');
        var (code, data, error) = Shell(
            $"""
            alloctrace() {'{'} dotnet {_command} "$@"; {'}'}
            source <(alloctrace completion bash)
            COMP_LINE='{line}' COMP_POINT={line.Length} COMP_WORDS=({line}) COMP_CWORD={words.Length - 1}
            _alloctrace
            echo "${'{'}COMPREPLY[@]{'}'}"
            """);
        Assert.AreEqual("", error);
        Assert.AreEqual(expected + "\n", data);
        Assert.AreEqual(0, code);
    }

    private static (int ExitCode, string Out, string Error) Shell(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = shell.StandardError.ReadToEndAsync();
        var data = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        return (shell.ExitCode, data, error.Result);
    }
}
