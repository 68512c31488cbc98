namespace AllocTrace.Report.Commands;

/// <summary>Completes command lines that mean a Python program without naming the interpreter: <c>app.py</c>, <c>-m pytest</c>, <c>-c "…"</c>.</summary>
internal static class PythonProgram
{
    /// <summary>Returns the words with the interpreter before them, or unchanged if they name a command themselves.</summary>
    /// <param name="words">The command line.</param>
    /// <param name="interpreter">The interpreter that was asked for; otherwise the virtual environment's, or the PATH's.</param>
    public static string[] Complete(string[] words, string? interpreter = null)
    {
        var isScript = words[0].EndsWith(".py", StringComparison.Ordinal) && File.Exists(words[0]) && !(words[0].Contains('/') && IsExecutable(words[0]));
        return isScript || words[0] is "-m" or "-c" ? [interpreter ?? Interpreter(), .. words] : words;
    }

    /// <summary>The one of the virtual environment that is active, otherwise the first on the PATH.</summary>
    private static string Interpreter()
    {
        if (Environment.GetEnvironmentVariable("VIRTUAL_ENV") is { Length: > 0 } environment && Path.Combine(environment, "bin", "python3") is var python && File.Exists(python))
            return python;

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => Path.Combine(folder, "python3")).FirstOrDefault(IsExecutable)
            ?? throw new UsageException("there is no python3 on the PATH to run the program with: name the interpreter, for example 'alloctrace run -- /path/to/python3 app.py'");
    }

    private static bool IsExecutable(string path) =>
        File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;
}
