using AllocTrace.Report.Render;

namespace AllocTrace.Report.Tests.Support;

/// <summary>Runs a command line in this process and keeps what it wrote.</summary>
internal sealed record CommandRun(int ExitCode, string Out, string Error)
{
    public static CommandRun Of(params string[] arguments) => On(null, false, arguments);

    /// <summary>Runs a command as on a terminal with a number of columns.</summary>
    public static CommandRun On(int? terminalWidth, bool color, params string[] arguments)
    {
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error, terminalWidth, color);
        var code = CommandLine.Run(arguments, output);
        return new CommandRun(code, data.ToString(), error.ToString());
    }

    /// <summary>Returns the data of a run that must succeed without any error output.</summary>
    public string Succeeded()
    {
        Assert.AreEqual("", Error);
        Assert.AreEqual(0, ExitCode);
        return Out;
    }

    /// <summary>Checks that nothing but one line of error was written.</summary>
    public void AssertFailed(int exitCode, string message)
    {
        Assert.AreEqual($"alloctrace: {message}\n", Error);
        Assert.AreEqual("", Out);
        Assert.AreEqual(exitCode, ExitCode);
    }
}
