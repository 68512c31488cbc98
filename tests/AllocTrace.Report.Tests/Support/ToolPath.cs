namespace AllocTrace.Report.Tests.Support;

/// <summary>Programs that tests use where they are installed; in CI all of them are.</summary>
internal static class ToolPath
{
    public static bool Exists(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, program)));
}
