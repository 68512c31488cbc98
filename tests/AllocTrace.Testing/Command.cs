using System.Diagnostics;
using System.Text;

namespace AllocTrace.Testing;

/// <summary>The output of a program and its exit code.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>The output's lines, without empty ones at the end.</summary>
    public string[] Lines => Output.TrimEnd('\n').Split('\n');

    /// <summary>Fails the test unless the program exited with 0; returns itself.</summary>
    public CommandResult Succeeded()
    {
        Assert.AreEqual(0, ExitCode, Output + Error);
        return this;
    }
}

/// <summary>Runs programs for tests.</summary>
public static class Command
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Runs a program to its end. <paramref name="environment"/> is added to the test's own; a null value removes a variable.
    /// </summary>
    public static CommandResult Run(string program, IEnumerable<string> arguments, string input = "", string? folder = null, Dictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = folder ?? "",
        };
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(_timeout))
        {
            process.Kill();
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within {_timeout}");
        }
        return new CommandResult(process.ExitCode, output.Result, error.Result);
    }
}
