using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Runs the command as a user has it, with folders that a test may fill.</summary>
internal static class Alloctrace
{
    /// <summary>The command that was built with the tests, or that ALLOCTRACE_COMMAND names: CI tests the installed one.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("ALLOCTRACE_COMMAND") ?? Path.Combine(AppContext.BaseDirectory, "AllocTrace.Report");

    /// <summary>The path of the traced library beside the command.</summary>
    public static string Library { get; } = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "runtimes"), "liballoctrace.so", SearchOption.AllDirectories).Single();

    public static CommandResult Run(params string[] arguments) => Command.Run(Program, arguments);

    public static CommandResult RunIn(string folder, params string[] arguments) => Command.Run(Program, arguments, folder: folder);

    /// <summary>Records a command into a new database, which must succeed.</summary>
    public static string Record(TemporaryFolder folder, params string[] command)
    {
        var database = folder.File("trace.db");
        Run(["run", "-q", "-o", database, "--", .. command]).Succeeded();
        return database;
    }

    /// <summary>The statistics of <c>top --json</c>.</summary>
    public static JsonElement[] Top(string database, params string[] arguments)
    {
        var output = Run(["top", database, "--json", "-n", "0", .. arguments]).Succeeded().Output;
        return JsonDocument.Parse(output).RootElement.GetProperty("statistics").EnumerateArray().ToArray();
    }

    /// <summary>Returns the path of a file of the test project.</summary>
    public static string ProgramFile(string name) => Path.Combine(AppContext.BaseDirectory, "programs", name);
}
