using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Requires that wrong input gets one clear line and an exit code, and that nothing is lost or overwritten.</summary>
[TestClass]
public sealed class BadInputTests
{
    private static readonly string[] _program = [Python.Default.Path, "-c", "print('ran')"];

    [TestMethod]
    public void No_such_command_is_127() => Fails(127, "no such command", ["run", "--", "no-such-command-anywhere"]);

    [TestMethod]
    public void Program_without_Python_keeps_its_exit_code_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.RunIn(folder.Path, "run", "--", "sh", "-c", "echo hello; exit 5");
        Assert.AreEqual(5, result.ExitCode);
        Assert.AreEqual("hello\n", result.Output);
        Assert.AreEqual("alloctrace: nothing was recorded: sh ran no Python that could be traced\n", result.Error);
        Assert.IsEmpty(folder.Files("*"));
    }

    [TestMethod]
    public void Missing_output_folder_is_told_before_anything_runs()
    {
        var result = Alloctrace.Run(["run", "-o", "/no/such/folder/t.db", "--", .. _program]);
        Assert.AreEqual(1, result.ExitCode);
        Assert.AreEqual("", result.Output);
        StringAssert.Contains(OneLine(result), "/no/such/folder");
    }

    [TestMethod]
    public void Existing_output_is_kept_without_force()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("t.db"), "precious");
        var result = Alloctrace.Run(["run", "-o", folder.File("t.db"), "--", .. _program]);
        Assert.AreEqual(1, result.ExitCode);
        Assert.AreEqual("", result.Output);
        StringAssert.Contains(OneLine(result), "exists");
        Assert.AreEqual("precious", File.ReadAllText(folder.File("t.db")));

        Alloctrace.Run(["run", "-q", "-f", "-o", folder.File("t.db"), "--", .. _program]).Succeeded();
        Assert.IsNotEmpty(Alloctrace.Top(folder.File("t.db")));
    }

    [TestMethod]
    [DataRow("run", "--no-such-option", "--", "true")]
    [DataRow("run")]
    [DataRow("no-such-verb")]
    [DataRow("top")]
    [DataRow("run", "--domains", "raw+nonsense", "--", "python3", "-c", "1")]
    [DataRow("run", "--on-full", "explode", "--", "true")]
    public void Wrong_usage_is_2(params string[] arguments) => Fails(2, "", arguments);

    [TestMethod]
    public void A_text_file_is_no_trace()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("t.db"), "hello");
        Fails(3, "t.db", ["top", folder.File("t.db")]);
    }

    [TestMethod]
    public void Options_in_the_environment_that_are_wrong_leave_the_program_untraced()
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path, ["ALLOCTRACE_OPTIONS"] = "frames=many" };
        var result = Command.Run(_program[0], _program[1..], environment: environment).Succeeded();
        Assert.AreEqual("ran\n", result.Output);
        StringAssert.Contains(result.Error, "alloctrace: ALLOCTRACE_OPTIONS: frames=many");
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n').Where(line => line.StartsWith("alloctrace", StringComparison.Ordinal)).Distinct());
        Assert.IsEmpty(folder.Files("*"));
    }

    [TestMethod]
    public void Interrupted_program_is_recorded_and_its_exit_code_kept()
    {
        using var folder = new TemporaryFolder();
        // The program interrupts its whole group, as Ctrl-C does; setsid gives it one that is not the tests'. Where the tests run in the
        // background, SIGINT is ignored unless the program says otherwise.
        const string source = "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler); kept = [bytes(1000) for _ in range(100)]; os.killpg(0, signal.SIGINT)";
        var script = $"setsid --wait \"$0\" run -q -o \"$1\" -- \"$2\" -c '{source}'; echo code $?";
        var result = Command.Run("sh", ["-c", script, Alloctrace.Program, folder.File("t.db"), Python.Default.Path]);
        StringAssert.Contains(result.Output, "code 130");
        Assert.IsNotEmpty(Alloctrace.Top(folder.File("t.db")));
    }

    [TestMethod]
    public void Without_the_variable_the_library_does_nothing()
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = "" };
        Assert.AreEqual("ran\n", Command.Run(_program[0], _program[1..], folder: folder.Path, environment: environment).Succeeded().Output);
        Assert.IsEmpty(folder.Files("*"));
    }

    private static void Fails(int code, string says, string[] arguments)
    {
        var result = Alloctrace.Run(arguments);
        Assert.AreEqual(code, result.ExitCode, result.Error);
        Assert.AreEqual("", result.Output);
        StringAssert.Contains(OneLine(result), says);
    }

    private static string OneLine(CommandResult result)
    {
        Assert.HasCount(1, result.Error.TrimEnd('\n').Split('\n'), result.Error);
        return result.Error;
    }
}
