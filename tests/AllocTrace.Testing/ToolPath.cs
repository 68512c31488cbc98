namespace AllocTrace.Testing;

/// <summary>Programs that tests use where they are installed; in CI all of them are.</summary>
public static class ToolPath
{
    public static bool Exists(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, program)));
}
