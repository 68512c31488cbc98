namespace AllocTrace.Testing;

/// <summary>Finds programs that tests use if they are installed; CI installs all of them.</summary>
public static class ToolPath
{
    public static bool Exists(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, program)));
}
