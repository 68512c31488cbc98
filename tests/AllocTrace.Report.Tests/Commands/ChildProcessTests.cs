using System.Diagnostics;
using AllocTrace.Analysis;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>Tests that need a process of their own.</summary>
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

    /// <summary>Completes in an interactive zsh on a terminal of its own (zpty), by the tab key.</summary>
    [TestMethod]
    [DataRow("alloctrace fla", "flamegraph")]
    [DataRow("alloctrace top app.db --view te", "temporary")]
    [DataRow("alloctrace export --format sp", "speedscope")]
    public void Zsh_completes(string line, string expected)
    {
        if (!ToolPath.Exists("zsh"))
            Assert.Inconclusive("no zsh on this machine");

        // A terminal's text is drawn in pieces: a key of our own prints the line whole. Reading continues until the pattern is there.
        var script = $$"""
            zmodload zsh/zpty
            zpty z zsh -f -i
            zpty -w z 'alloctrace() { dotnet {{_command}} "$@" }; autoload -Uz compinit; compinit -D -u; source <(alloctrace completion zsh); show() { zle -I; print -r -- "[$BUFFER]" }; zle -N show; bindkey "^X" show; print -r -- "ready"$((1+1))'
            zpty -r -m z text '*ready2*'
            zpty -n -w z $'{{line}}\t\x18'
            zpty -r -m z text '*\[alloctrace*\]*'
            [[ $text == *'{{expected}} ]'* ]] && print -r -- completed || print -r -- "$text"
            zpty -d z
            """;
        var (code, data, error) = Shell(script, "timeout", "120", "zsh", "-f", "-c");
        Assert.AreEqual(("", "completed\n", 0), (error, data, code));
    }

    [TestMethod]
    [DataRow("alloctrace fla", "flamegraph")]
    [DataRow("alloctrace top app.db --view te", "temporary")]
    [DataRow("alloctrace export --format sp", "speedscope")]
    [DataRow("alloctrace top --group", "--group-by")]
    public void Fish_completes(string line, string expected)
    {
        if (!ToolPath.Exists("fish"))
            Assert.Inconclusive("no fish on this machine");

        var script = $"""
            function alloctrace; dotnet {_command} $argv; end
            alloctrace completion fish | source
            complete -C '{line}'
            """;
        var (code, data, error) = Shell(script, "fish", "--no-config", "-c");
        Assert.AreEqual(("", 0), (error, code));
        CollectionAssert.Contains(data.Split('\n'), expected); // files come too
    }

    private static (int ExitCode, string Out, string Error) Shell(string script, params string[] with)
    {
        string[] shellCommand = with.Length == 0 ? ["bash", "-c"] : with;
        var folder = Directory.CreateTempSubdirectory("alloctrace-test-"); // with no file that a shell could complete
        using var shell = Process.Start(new ProcessStartInfo(shellCommand[0], [.. shellCommand[1..], script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder.FullName,
        })!;
        var error = shell.StandardError.ReadToEndAsync();
        var data = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        folder.Delete(recursive: true);
        return (shell.ExitCode, data, error.Result);
    }
}
